-- Writes a test for an endpoint. ARGV: delivery, owner, endpoint, URL, event, webhook-id.
write_delivery(ARGV[1], ARGV[2], ARGV[3], ARGV[4], '', ARGV[5], ARGV[6])
return 1

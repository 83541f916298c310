-- Sends a delivery again, from the beginning of the schedule; its endpoint is enabled. One that is being attempted right now stays as it is.
-- ARGV: delivery, owner. Returns its state afterwards, or nothing where the owner has no such delivery.
local delivery = read_delivery(ARGV[1])
if not delivery or delivery.owner ~= ARGV[2] then
  return false
end
if not delivery.claim and move_delivery(delivery, 'replay') then
  enable(delivery.endpoint)
  redis.call('HDEL', key('delivery', delivery.id), 'reason', 'tries')
  make_due(delivery, now)
end
return delivery.state

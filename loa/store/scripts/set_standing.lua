-- Makes these the standing endpoints. ARGV: pairs of endpoint and URL.
redis.call('DEL', key('standing'))
if #ARGV > 0 then
  redis.call('HSET', key('standing'), unpack(ARGV))
end
return #ARGV / 2

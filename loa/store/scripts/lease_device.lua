-- Takes or renews a device's lease. ARGV: key, worker. Returns the worker that holds it.
local holder = redis.call('GET', ARGV[1])
if not holder or holder == ARGV[2] then
  redis.call('SET', ARGV[1], ARGV[2], 'PX', LEASE)
  return ARGV[2]
end
return holder

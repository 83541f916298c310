-- A process is dead, and its parent knows it: the slot is no longer hot, and what it held is given back without waiting for the end of its leases.
-- Only while no other process of that slot is hot. ARGV: slot. Returns {items ready again, jobs failed, tokens…}.
local slot = ARGV[1]
if redis.call('HGET', key('slot', slot), 'state') == 'hot' then
  redis.call('HSET', key('slot', slot), 'state', 'loading')
end
redis.call('ZREM', key('busy'), slot)
for _, queue in ipairs(redis.call('SMEMBERS', key('queues'))) do
  redis.call('ZREM', key('hot', queue), slot)
end
local ready, failed, touched = 0, 0, {}
for _, claim in ipairs(redis.call('ZRANGE', key('claims'), 0, -1)) do
  local fields = redis.call('HMGET', key('claim', claim), 'slot', 'queue')
  if fields[1] == slot then
    touched[fields[2]] = true
    local again, over = release_all(claim)
    ready, failed = ready + again, failed + over
  end
end
local reply = { ready, failed }
for queue in pairs(touched) do
  for _, token in ipairs(issue(queue)) do
    reply[#reply + 1] = token
  end
end
return reply

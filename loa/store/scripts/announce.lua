-- What a worker process says of itself. ARGV: slot, state, queues (separated by blanks), then fields and values. Returns tokens: a slot that turns hot finds the work that waits.
local slot, state = ARGV[1], ARGV[2]
local record = key('slot', slot)
redis.call('UNLINK', record)
redis.call('HSET', record, 'state', state, 'queues', ARGV[3], 'announced', now, 'schema', SCHEMA, unpack(ARGV, 4))
redis.call('PEXPIRE', record, HEARTBEAT)
redis.call('ZADD', key('slots'), now + LEASE, slot)
local tokens = {}
for queue in ARGV[3]:gmatch('%S+') do
  redis.call('SADD', key('queues'), queue)
  if state == 'hot' then
    redis.call('ZADD', key('hot', queue), now + LEASE, slot)
    for _, token in ipairs(issue(queue)) do
      tokens[#tokens + 1] = token
    end
  else
    redis.call('ZREM', key('hot', queue), slot)
  end
end
if state ~= 'hot' then
  redis.call('ZREM', key('busy'), slot)
end
return tokens

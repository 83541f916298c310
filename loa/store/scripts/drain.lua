-- A worker shuts down: its slots get no more work. ARGV: worker, how long to remember it (ms). Returns tokens for the others.
redis.call('ZADD', key('draining'), now + int(ARGV[2]), ARGV[1])
local tokens = {}
for _, queue in ipairs(redis.call('SMEMBERS', key('queues'))) do
  for _, slot in ipairs(redis.call('ZRANGE', key('hot', queue), 0, -1)) do
    if slot:match('^(.*)/[^/]*$') == ARGV[1] then
      redis.call('ZREM', key('hot', queue), slot)
      redis.call('HSET', key('slot', slot), 'state', 'draining')
    end
  end
  for _, token in ipairs(issue(queue)) do
    tokens[#tokens + 1] = token
  end
end
return tokens

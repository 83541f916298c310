-- A worker has ended in order: nothing of it remains. ARGV: worker, number of its slots. Slots that others still lease are left to the reconciler.
for index = 0, int(ARGV[2]) - 1 do
  local slot = ARGV[1] .. '/' .. index
  for _, queue in ipairs(redis.call('SMEMBERS', key('queues'))) do
    redis.call('ZREM', key('hot', queue), slot)
  end
  redis.call('ZREM', key('busy'), slot)
  redis.call('ZREM', key('slots'), slot)
  redis.call('UNLINK', key('slot', slot))
end
redis.call('ZREM', key('draining'), ARGV[1])
return 1

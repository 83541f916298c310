-- Ends a sweep. ARGV: holder, report (JSON). Returns 1, or 0 where the turn was lost.
if redis.call('HGET', key('sweeper'), 'holder') ~= ARGV[1] then
  return 0
end
redis.call('HDEL', key('sweeper'), 'holder', 'until')
redis.call('HSET', key('sweeper'), 'report', ARGV[2])
return 1

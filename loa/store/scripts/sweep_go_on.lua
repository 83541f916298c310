-- Keeps the turn to sweep. ARGV: holder, lease (ms). Returns 1, or 0 where it is lost.
if redis.call('HGET', key('sweeper'), 'holder') ~= ARGV[1] then
  return 0
end
redis.call('HSET', key('sweeper'), 'until', now + int(ARGV[2]))
return 1

-- Forgets an added voice, if it is still the one that is meant. ARGV: name with its owner, what is kept of it. Returns 1 (forgotten) or 0.
if redis.call('HGET', key('voices'), ARGV[1]) ~= ARGV[2] then
  return 0
end
return redis.call('HDEL', key('voices'), ARGV[1])

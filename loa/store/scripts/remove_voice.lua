-- Forgets an added voice. ARGV: name. Returns what was kept of it, or nothing where there was none.
local kept = redis.call('HGET', key('voices'), ARGV[1])
redis.call('HDEL', key('voices'), ARGV[1])
return kept

-- Keeps the record of an added voice, with the instant before it, unless the name is taken. ARGV: name with its owner, record.
-- Returns {1 (kept now) or 0 (the name was taken), what is kept under the name}.
local created = redis.call('HSETNX', key('voices'), ARGV[1], string.format('%.0f', now) .. ' ' .. ARGV[2])
return { created, redis.call('HGET', key('voices'), ARGV[1]) }

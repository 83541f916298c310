-- Takes the turn to sweep. ARGV: holder, least time since the last began (ms), lease (ms).
-- Returns {1 (granted) or 0, now, when the oldest unfinished job was created or 0}.
local sweeper = key('sweeper')
local fields = redis.call('HMGET', sweeper, 'until', 'began')
if int(fields[1]) > now or int(fields[2]) + int(ARGV[2]) > now then
  return { 0, now, 0 }
end
redis.call('HSET', sweeper, 'holder', ARGV[1], 'until', now + int(ARGV[3]), 'began', now)
local oldest = 0
for _ = 1, 1000 do
  local head = redis.call('ZRANGE', key('unfinished'), 0, 0, 'WITHSCORES')
  local job = head[1] and place(head[1])
  if not head[1] or (job and MOVES[job.state]) then
    oldest = int(head[2])
    break
  end
  redis.call('ZREM', key('unfinished'), head[1]) -- it has ended, and whoever ended it did not know this list
end
return { 1, now, oldest }

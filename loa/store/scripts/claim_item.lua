-- Claims one named ready item, for the process that made it ready and can go on with it at once.
-- ARGV: job, item, slot, nonce, least limit (ms). Returns the claim's id and the job's record, or nothing where somebody else was faster.
local id, item = ARGV[1], ARGV[2]
local record, job = read_item(id, item), place(id)
if not record or not job or record[3] ~= 'r' then
  return {}
end
local queue = queue_of(job, item)
local bucket = record[5] > 0 and SOLO or record[1]
local list = key('job', id, 'ready', queue, bucket)
if redis.call('LREM', list, 1, item) == 0 then
  return {}
end
if redis.call('EXISTS', list) == 0 then
  redis.call('ZREM', key('ring', queue, job.lane, job.owner, bucket), id)
  tidy_owner(queue, job.lane, job.owner)
end
count_ready(job, queue, -1, -record[2])
local claim = turn() .. '-' .. ARGV[4]
record[3] = 'c'
record[4] = claim
write_item(id, item, record)
redis.call('SADD', key('claim', claim, 'items'), id .. ' ' .. item)
redis.call('HSET', key('claim', claim), 'queue', queue, 'slot', ARGV[3], 'until', now + int(ARGV[5]))
redis.call('ZADD', key('claims'), now + LEASE, claim)
return { claim, redis.call('HGETALL', key('job', id)) }

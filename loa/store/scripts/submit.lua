-- Records a job, its idempotency key and its first ready item in one step.
-- ARGV: id, deadline (ms), idempotency key hash or '', request hash, idempotency ttl (ms), first item, its bucket, its estimate (ms), then the record's fields and values.
local id, deadline = ARGV[1], int(ARGV[2])
if now > deadline then
  return { 'late' }
end
local record = {}
for index = 9, #ARGV, 2 do
  record[ARGV[index]] = ARGV[index + 1]
end
local idempotency = ARGV[3] ~= '' and key('idempotency', record.owner, ARGV[3])
if idempotency then
  local stored = redis.call('GET', idempotency)
  if stored then
    local request, earlier = stored:match('^(%S+) (%S+)$')
    return { request == ARGV[4] and 'repeated' or 'conflict', earlier }
  end
end
if redis.call('EXISTS', key('job', id)) == 1 then
  return { 'present', id }
end
local born = turn()
redis.call('HSET', key('job', id), 'state', 'queued', 'created', now, 'born', born, unpack(ARGV, 9))
redis.call('ZADD', key('unfinished'), now, id)
redis.call('HINCRBY', key('counts'), 'queued', 1)
redis.call('ZADD', key('jobs', record.owner, 'queued'), now, id)
redis.call('ZADD', key('jobs', record.owner, 'all'), now, id)
if idempotency then
  redis.call('SET', idempotency, ARGV[4] .. ' ' .. id, 'PX', ARGV[5])
end
local job = place(id)
local queue = queue_of(job, ARGV[6])
redis.call('SADD', key('queues'), queue)
make_ready(job, ARGV[6], { ARGV[7], int(ARGV[8]), 'r', '', 0, 0 }, false)
return { 'created', id, unpack(issue(queue)) }

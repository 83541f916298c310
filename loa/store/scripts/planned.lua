-- Makes a plan current: all its segments become ready in one step.
-- ARGV: claim, job, artifact path of the plan. Returns {'planned', tokens…}, or {'superseded'}.
local claim, id = ARGV[1], ARGV[2]
if redis.call('HGET', key('job', id), 'plan') == ARGV[3] then
  return { 'planned' } -- this very call was made before and only its answer was lost
end
local job = held(claim, id, 'plan') and place(id)
drop_claim_item(claim, id, 'plan')
if not job or not move(job, 'planned') then
  return { 'superseded' }
end
local queue = 'speak.' .. job.engine
local counts = redis.call('HMGET', key('job', id), 'planned_items', 'planned_ms')
redis.call('HDEL', key('job', id, 'items'), 'plan')
redis.call('HDEL', key('job', id), 'planned_items', 'planned_ms')
redis.call('HSET', key('job', id), 'plan', ARGV[3], 'total', counts[1], 'estimate_ms', counts[2])
redis.call('SADD', key('queues'), queue)
count_ready(job, queue, int(counts[1]), int(counts[2]))
count_waiting(job, int(counts[2]) - job.waiting) -- what was submitted was a guess
each_bucket(function(bucket)
  if redis.call('EXISTS', key('job', id, 'ready', queue, bucket)) == 1 then
    join_ring(job, queue, bucket, false)
  end
end)
return { 'planned', unpack(issue(queue)) }

-- Makes a plan current: all its segments become ready in one step.
-- ARGV: claim, job, artifact path of the plan, characters that it speaks, then title and number of segments of each chapter. Returns {'planned', tokens…}, or {'superseded'}.
local claim, id = ARGV[1], ARGV[2]
local fields = key('job', id)
if redis.call('HGET', fields, 'plan') == ARGV[3] then
  return { 'planned' } -- this very call was made before and only its answer was lost
end
local job = held(claim, id, 'plan') and place(id)
drop_claim_item(claim, id, 'plan')
if not job or not move(job, 'planned') then
  return { 'superseded' }
end
redis.call('HDEL', key('job', id, 'items'), 'plan')
local total, estimate, reply = 0, 0, { 'planned' }
local queues = speak_queues(job)
count_waiting(job, -job.waiting) -- what was submitted was a guess
for _, queue in ipairs(queues) do
  local counts = redis.call('HMGET', fields, 'planned_items:' .. queue, 'planned_ms:' .. queue)
  local items, ms = int(counts[1]), int(counts[2])
  redis.call('HDEL', fields, 'planned_items:' .. queue, 'planned_ms:' .. queue)
  total, estimate = total + items, estimate + ms
  redis.call('SADD', key('queues'), queue)
  count_ready(job, queue, items, ms)
  count_waiting(job, ms, queue)
  each_bucket(function(bucket)
    if redis.call('EXISTS', key('job', id, 'ready', queue, bucket)) == 1 then
      join_ring(job, queue, bucket, false)
    end
  end)
end
if AUDIO_PER_HOUR > 0 then
  charge(job.owner, estimate - int(redis.call('HGET', fields, 'estimate_ms'))) -- so was what the owner was charged
end
redis.call('HSET', fields, 'plan', ARGV[3], 'total', total, 'estimate_ms', estimate)
if redis.call('HGET', fields, 'kind') == 'file' then
  redis.call('HSET', fields, 'characters', ARGV[4])
end
if #ARGV > 4 then
  redis.call('HSET', fields, 'chapters', (#ARGV - 4) / 2, 'chapters_done', 0, 'chapter', 0)
  for index = 5, #ARGV, 2 do
    local chapter = (index - 5) / 2
    redis.call('HSET', key('job', id, 'chapters'), 'title:' .. chapter, ARGV[index], 'left:' .. chapter, ARGV[index + 1])
  end
end
for _, queue in ipairs(queues) do
  for _, token in ipairs(issue(queue)) do
    reply[#reply + 1] = token
  end
end
return reply

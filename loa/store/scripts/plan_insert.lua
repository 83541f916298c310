-- Inserts some of a plan's segments (at most 500 a call). They are not linked to any ring until the plan is current.
-- A call that is made again, because only its answer was lost, inserts nothing twice.
-- ARGV: claim, job, index of the first, then pairs of bucket and estimate (ms). Returns 1, or 0 where the claim is superseded.
local claim, id, first = ARGV[1], ARGV[2], int(ARGV[3])
local plan = held(claim, id, 'plan')
local job = plan and place(id)
if not job then
  return 0
end
local queue = 'speak.' .. job.engine
if first == 0 then -- an earlier planner may have left a part of its plan
  each_bucket(function(bucket)
    redis.call('UNLINK', key('job', id, 'ready', queue, bucket))
  end)
  redis.call('UNLINK', key('job', id, 'items'))
  write_item(id, 'plan', plan)
  redis.call('HSET', key('job', id), 'planned_items', 0, 'planned_ms', 0)
end
local items, ms = 0, 0
for index = 4, #ARGV, 2 do
  local item = tostring(first + (index - 4) / 2)
  local record = cjson.encode({ ARGV[index], int(ARGV[index + 1]), 'r', '', 0, 0 })
  if redis.call('HSETNX', key('job', id, 'items'), item, record) == 1 then
    redis.call('RPUSH', key('job', id, 'ready', queue, ARGV[index]), item)
    items, ms = items + 1, ms + int(ARGV[index + 1])
  end
end
redis.call('HINCRBY', key('job', id), 'planned_items', items)
redis.call('HINCRBY', key('job', id), 'planned_ms', ms)
return 1

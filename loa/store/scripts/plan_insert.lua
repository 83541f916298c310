-- Inserts some of a plan's segments (at most 500 a call). They are not linked to any ring until the plan is current.
-- A call that is made again, because only its answer was lost, inserts nothing twice.
-- ARGV: claim, job, index of the first, then four for each: bucket, estimate (ms), engine or '', chapter (from 0) or -1.
-- Returns 1, or 0 where the claim is superseded.
local claim, id, first = ARGV[1], ARGV[2], int(ARGV[3])
local plan = held(claim, id, 'plan')
local job = plan and place(id)
if not job then
  return 0
end
local fields = key('job', id)
if first == 0 then -- an earlier planner may have left a part of its plan
  for _, queue in ipairs(speak_queues(job)) do
    each_bucket(function(bucket)
      redis.call('UNLINK', key('job', id, 'ready', queue, bucket))
    end)
    redis.call('HSET', fields, 'planned_items:' .. queue, 0, 'planned_ms:' .. queue, 0)
  end
  redis.call('UNLINK', key('job', id, 'items'))
  write_item(id, 'plan', plan)
end
local items, ms = {}, {}
for index = 4, #ARGV, 4 do
  local item = tostring(first + (index - 4) / 4)
  local record = { ARGV[index], int(ARGV[index + 1]), 'r', '', 0, 0, 0, ARGV[index + 2], int(ARGV[index + 3]) }
  if redis.call('HSETNX', key('job', id, 'items'), item, cjson.encode(record)) == 1 then
    local queue = queue_of(job, item, record)
    redis.call('RPUSH', key('job', id, 'ready', queue, ARGV[index]), item)
    items[queue], ms[queue] = (items[queue] or 0) + 1, (ms[queue] or 0) + record[2]
  end
end
for queue, count in pairs(items) do
  redis.call('HINCRBY', fields, 'planned_items:' .. queue, count)
  redis.call('HINCRBY', fields, 'planned_ms:' .. queue, ms[queue])
end
return 1

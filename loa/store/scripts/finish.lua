-- Publishes a job's result and ends it. ARGV: claim, job, result (JSON). Returns 1, or 0 where the claim is superseded.
local claim, id = ARGV[1], ARGV[2]
if redis.call('HGET', key('job', id), 'finished_by') == claim then
  return 1 -- this very call was made before and only its answer was lost
end
local job = held(claim, id, 'assemble') and place(id)
drop_claim_item(claim, id, 'assemble')
if not job or not move(job, 'finish') then
  return 0
end
local facts = redis.call('HMGET', key('job', id), 'audio_ms', 'spoken')
if int(facts[1]) > 0 and int(facts[2]) > 0 then -- how long assemblies take of late, with their wait for a worker
  count_pace('assemble', int(facts[1]), now - int(facts[2]))
end
redis.call('HSET', key('job', id), 'result', ARGV[3], 'finished_by', claim)
close(job)
return 1

-- Records spoken segments. The last one of a job creates its assemble item in the same step; or, where the process that spoke a job's only segment has
-- made the audio already, it makes the same two moves itself and ends the job.
-- ARGV: claim, then six for each segment: job, item, audio ms, set-up ms, synthesis ms, result (JSON) or ''.
-- Returns {n, n × 1 (recorded) or 0 (superseded), m, m × job that is now to be assembled, tokens…}.
local claim = ARGV[1]
local accepted, spoken = {}, {}
local queue, audio, compute
local touched = {}
for index = 2, #ARGV, 6 do
  local id, item, result = ARGV[index], ARGV[index + 1], ARGV[index + 5]
  local record = held(claim, id, item)
  drop_claim_item(claim, id, item)
  local job = record and place(id)
  if job and job.state == 'speaking' then
    record[3] = 'd'
    record[6] = int(ARGV[index + 2])
    write_item(id, item, record)
    local fields = key('job', id)
    touched[id] = true
    redis.call('HINCRBY', fields, 'audio_ms', ARGV[index + 2])
    redis.call('HINCRBY', fields, 'setup_ms', ARGV[index + 3])
    redis.call('HINCRBY', fields, 'synthesis_ms', ARGV[index + 4])
    queue = queue_of(job, item, record)
    count_waiting(job, -record[2], queue)
    count_chapter(job, record, -1)
    if int(ARGV[index + 4]) > 0 then
      audio, compute = (audio or 0) + int(ARGV[index + 2]), (compute or 0) + int(ARGV[index + 4])
    end
    redis.call('HINCRBY', fields, 'done', 1)
    if result ~= '' and redis.call('HGET', fields, 'total') == '1' then
      move(job, 'spoken')
      move(job, 'finish')
      redis.call('HSET', fields, 'result', result, 'finished_by', claim)
      close(job)
    elseif conclude(job) then
      spoken[#spoken + 1] = id
    end
    accepted[#accepted + 1] = 1
  else
    -- This very call may have been made before, and only its answer been lost.
    accepted[#accepted + 1] = redis.call('HGET', key('job', id), 'finished_by') == claim and 1 or 0
  end
end
for id in pairs(touched) do
  mark(id)
end
if audio then
  redis.call('HINCRBY', key('totals', queue), 'audio_ms', audio)
  redis.call('HINCRBY', key('totals', queue), 'compute_ms', compute)
  count_pace(queue, audio, compute)
end
local reply = { #accepted }
for _, value in ipairs(accepted) do
  reply[#reply + 1] = value
end
reply[#reply + 1] = #spoken
for _, id in ipairs(spoken) do
  reply[#reply + 1] = id
end
if #spoken > 0 then
  for _, token in ipairs(issue('assemble')) do
    reply[#reply + 1] = token
  end
end
return reply

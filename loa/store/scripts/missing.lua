-- An assembly found segments gone from the artifact store: they become ready again.
-- ARGV: claim, job, error (JSON) for the case that it happens too often, then items. Returns {'returned' | 'failed' | 'superseded', tokens…}.
local claim, id = ARGV[1], ARGV[2]
local job = held(claim, id, 'assemble') and place(id)
drop_claim_item(claim, id, 'assemble')
if not job then
  return { 'superseded' }
end
if redis.call('HINCRBY', key('job', id), 'returns', 1) > MAX_LOSSES then
  return { fail(job, ARGV[3]) and 'failed' or 'superseded' }
end
if not move(job, 'missing') then
  return { 'superseded' }
end
redis.call('HDEL', key('job', id, 'items'), 'assemble')
for index = 4, #ARGV do
  local record = read_item(id, ARGV[index])
  if record and record[3] == 'd' then
    redis.call('HINCRBY', key('job', id), 'done', -1)
    redis.call('HINCRBY', key('job', id), 'audio_ms', -record[6])
    count_waiting(job, record[2])
    make_ready(job, ARGV[index], record, false)
  end
end
return { 'returned', unpack(issue('speak.' .. job.engine)) }

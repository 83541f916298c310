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
local queues = {}
for index = 4, #ARGV do
  local record = read_item(id, ARGV[index])
  if record and record[3] == 'd' then
    redis.call('HINCRBY', key('job', id), 'done', -1)
    redis.call('HINCRBY', key('job', id), 'audio_ms', -record[6])
    local queue = queue_of(job, ARGV[index], record)
    queues[queue] = true
    count_waiting(job, record[2], queue)
    count_chapter(job, record, 1)
    make_ready(job, ARGV[index], record, false)
  end
end
local reply = { 'returned' }
for queue in pairs(queues) do
  for _, token in ipairs(issue(queue)) do
    reply[#reply + 1] = token
  end
end
return reply

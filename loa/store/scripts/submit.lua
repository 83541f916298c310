-- Records a job, its idempotency key and its first ready item in one step.
-- ARGV: id, deadline (ms), idempotency key hash or '', request hash, idempotency ttl (ms), first item, its bucket, its estimate (ms), its engine or '', then the
-- record's fields and values.
-- Returns {'created', job, tokens…}, {'present' | 'repeated' | 'conflict', earlier job}, {'late'}, or {the limit that is reached, it (ms), ms until there may be room}.

-- Milliseconds until so much of the audio that waits is spoken, at the pace of late and with the processes that are hot; -1 where nobody knows.
local function relief(engine, audio)
  local backlog = redis.call('HMGET', key('backlog', 'speak.' .. engine), 'compute_ms', 'audio_ms')
  local hot = redis.call('ZCOUNT', key('hot', 'speak.' .. engine), '(' .. now, '+inf')
  if hot == 0 or int(backlog[2]) == 0 then
    return -1
  end
  return math.ceil(audio * int(backlog[1]) / int(backlog[2]) / hot)
end

-- The answer to a submission that goes beyond a limit. A job that is larger than a limit alone passes where nothing else is counted against it.
local function refuse(record, audio)
  local counted = redis.call('HMGET', key('waiting'), record.owner, ALL)
  local own, all = int(counted[1]), int(counted[2])
  if BACKLOG > 0 and all > 0 and all + audio > BACKLOG then
    return { 'backlog', BACKLOG, relief(record.engine, math.min(all, all + audio - BACKLOG)) }
  end
  if BACKLOG_KEY > 0 and own > 0 and own + audio > BACKLOG_KEY then
    local owners = redis.call('HLEN', key('waiting')) - 1 -- they take turns
    return { 'backlog_key', BACKLOG_KEY, owners * relief(record.engine, math.min(own, own + audio - BACKLOG_KEY)) }
  end
  if AUDIO_PER_HOUR > 0 then
    local spent = math.max(0, int(redis.call('GET', key('spent', record.owner))) - now)
    local over = spent + math.min(math.ceil(audio * HOUR / AUDIO_PER_HOUR), HOUR) - HOUR
    if over > 0 then
      return { 'audio_per_hour', AUDIO_PER_HOUR, over }
    end
    charge(record.owner, audio)
  end
end

local id, deadline = ARGV[1], int(ARGV[2])
if now > deadline then
  return { 'late' }
end
local record = {}
for index = 10, #ARGV, 2 do
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
-- Short text is as long as its one segment; of a document it is a guess until it is planned.
local audio = int(ARGV[8]) > 0 and int(ARGV[8]) or int(record.estimate_ms)
local refusal = refuse(record, audio)
if refusal then
  return refusal
end
local born = turn()
redis.call('HSET', key('job', id), 'state', 'queued', 'created', now, 'born', born, unpack(ARGV, 10))
redis.call('ZADD', key('unfinished'), now, id)
redis.call('HINCRBY', key('counts'), 'queued', 1)
redis.call('ZADD', key('jobs', record.owner, 'queued'), now, id)
redis.call('ZADD', key('jobs', record.owner, 'all'), now, id)
if idempotency then
  redis.call('SET', idempotency, ARGV[4] .. ' ' .. id, 'PX', ARGV[5])
end
local job = place(id)
count_waiting(job, audio)
local first = { ARGV[7], int(ARGV[8]), 'r', '', 0, 0, 0, ARGV[9] }
local queue = queue_of(job, ARGV[6], first)
redis.call('SADD', key('queues'), queue)
make_ready(job, ARGV[6], first, false)
return { 'created', id, now, unpack(issue(queue)) }

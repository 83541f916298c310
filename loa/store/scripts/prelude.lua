-- Shared by every script: the table of moves, and the few operations that the moves are made of.
-- MOVES, BUCKETS, SOLO, ALL, MAX_LOSSES, MAX_TAKES, MOST_NAMED, INCOMPLETE, LEASE, TOKEN, HEARTBEAT, RETENTION and the limits of submit.lua are put before this text by scripts.py,
-- and so are ground.lua and outbox.lua.
-- An item's record is {bucket, estimate ms, state, claim, losses, spoken ms, bad takes, engine or '', chapter or -1}, of which the last three may be
-- absent: '' is the job's own engine, chapters count from 0. Its state is r (ready), c (claimed), s (started), d (done) or x (left out of the job for good).

local HOUR = 3600000

-- The job's fields that decide where its items wait.
local function place(id)
  local fields =
    redis.call('HMGET', key('job', id), 'state', 'owner', 'lane', 'engine', 'born', 'created', 'waiting_ms', 'engines', 'allow_partial')
  if not fields[1] then
    return nil
  end
  return {
    id = id,
    state = fields[1],
    owner = fields[2],
    lane = fields[3],
    engine = fields[4],
    born = fields[5],
    created = fields[6],
    waiting = int(fields[7]),
    engines = fields[8] or '', -- those of its other voices, separated by blanks
    partial = fields[9] == '1',
  }
end

local function queue_of(job, item, record)
  if item == 'plan' or item == 'assemble' then
    return item
  end
  local engine = record[8] or ''
  return 'speak.' .. (engine ~= '' and engine or job.engine)
end

-- Every queue in which a job may have segments.
local function speak_queues(job)
  local queues = { 'speak.' .. job.engine }
  for engine in job.engines:gmatch('%S+') do
    queues[#queues + 1] = 'speak.' .. engine
  end
  return queues
end

-- The one way a job's state changes. Returns the new state, or nil where the table has no such move.
local function move(job, event)
  local target = MOVES[job.state] and MOVES[job.state][event]
  if not target then
    return nil
  end
  if target ~= job.state then
    enter(job, target, 'job', 'jobs', 'counts')
  end
  return target
end

local function read_item(id, item)
  local raw = redis.call('HGET', key('job', id, 'items'), item)
  return raw and cjson.decode(raw) or nil
end

local function write_item(id, item, record)
  redis.call('HSET', key('job', id, 'items'), item, cjson.encode(record))
end

local function count_ready(job, queue, items, ms)
  redis.call('HINCRBY', key('backlog', queue), 'items', items)
  redis.call('HINCRBY', key('backlog', queue), 'ms', ms)
  redis.call('HINCRBY', key('job', job.id), 'ready_items:' .. queue, items)
  redis.call('HINCRBY', key('job', job.id), 'ready_ms:' .. queue, ms)
end

-- Counts audio that is still to be spoken: of the job, of its owner, and in all. Nothing is taken away that was not counted before.
-- Where a job has several engines, `queue` says whose it is.
local function count_waiting(job, ms, queue)
  if queue and job.engines ~= '' then
    redis.call('HINCRBY', key('job', job.id), 'left_ms:' .. queue, ms)
  end
  ms = math.max(ms, -job.waiting)
  if ms == 0 then
    return
  end
  job.waiting = redis.call('HINCRBY', key('job', job.id), 'waiting_ms', ms)
  for _, whose in ipairs({ job.owner, ALL }) do
    if redis.call('HINCRBY', key('waiting'), whose, ms) == 0 then
      redis.call('HDEL', key('waiting'), whose)
    end
  end
end

-- Charges audio to its owner's hourly allowance; less than none is given back. The allowance is kept as the instant when it is whole again: each second of
-- audio puts that off by its share of an hour.
local function charge(owner, audio)
  local whole = math.max(now, int(redis.call('GET', key('spent', owner)))) + math.ceil(audio * HOUR / AUDIO_PER_HOUR)
  if whole > now then
    redis.call('SET', key('spent', owner), string.format('%.0f', whole), 'PX', whole - now)
  else
    redis.call('DEL', key('spent', owner))
  end
end

-- Counts the segments of an item's chapter that are still to be spoken. The job's `chapter` is the first that has any.
local function count_chapter(job, record, items)
  local chapter = record[9] or -1
  if chapter < 0 then
    return
  end
  local fields, chapters = key('job', job.id), key('job', job.id, 'chapters')
  local left = redis.call('HINCRBY', chapters, 'left:' .. chapter, items)
  local current = int(redis.call('HGET', fields, 'chapter'))
  if left == 0 then
    redis.call('HINCRBY', fields, 'chapters_done', 1)
    while redis.call('HGET', chapters, 'left:' .. current) == '0' do
      current = current + 1
    end
    redis.call('HSET', fields, 'chapter', current)
  elseif left == items then -- it was done before
    redis.call('HINCRBY', fields, 'chapters_done', -1)
    redis.call('HSET', fields, 'chapter', math.min(current, chapter))
  end
end

-- The pace of late of a queue: a moving sum over about the last ten minutes of audio.
local function count_pace(queue, audio, compute)
  local backlog = key('backlog', queue)
  local kept = math.min(1, 600000 / math.max(1, int(redis.call('HGET', backlog, 'audio_ms'))))
  redis.call('HSET', backlog, 'audio_ms', math.floor(kept * int(redis.call('HGET', backlog, 'audio_ms'))) + audio)
  redis.call('HSET', backlog, 'compute_ms', math.floor(kept * int(redis.call('HGET', backlog, 'compute_ms'))) + compute)
end

-- Remembers how much of a job was spoken a minute or two ago, and when it last got on: its own pace, from which its end is estimated. Its first work begins
-- that anew, and so does the first after a wait, which says nothing of its pace.
local function mark(id)
  local fields = key('job', id)
  local marked = redis.call('HMGET', fields, 'state', 'mark', 'mark_audio', 'audio_ms')
  if marked[1] ~= 'speaking' then
    return
  end
  redis.call('HSET', fields, 'recorded', now)
  local audio, age = int(marked[4]), marked[2] and now - int(marked[2])
  if not age or age > 120000 then
    redis.call('HSET', fields, 'mark_before', now, 'mark_before_audio', audio, 'mark', now, 'mark_audio', audio)
  elseif age >= 60000 then
    redis.call('HSET', fields, 'mark_before', marked[2], 'mark_before_audio', int(marked[3]), 'mark', now, 'mark_audio', audio)
  end
end

local function join_ring(job, queue, bucket, front)
  local ring = key('ring', queue, job.lane, job.owner, bucket)
  if front then
    redis.call('ZADD', ring, 'LT', job.born, job.id) -- what was lost keeps the turn of its job's arrival
  else
    redis.call('ZADD', ring, 'NX', turn(), job.id)
  end
  redis.call('ZADD', key('owners', queue, job.lane), 'NX', turn(), job.owner)
end

-- Makes an item ready: at the end for new work and for an assembly that got on, at the front for work that was lost or handed back.
local function make_ready(job, item, record, front)
  local queue = queue_of(job, item, record)
  local bucket = record[5] > 0 and SOLO or record[1]
  record[3] = 'r'
  record[4] = ''
  write_item(job.id, item, record)
  redis.call(front and 'LPUSH' or 'RPUSH', key('job', job.id, 'ready', queue, bucket), item)
  count_ready(job, queue, 1, record[2])
  join_ring(job, queue, bucket, front)
end

local function each_bucket(visit)
  for _, bucket in ipairs(BUCKETS) do
    visit(bucket)
  end
  visit(SOLO)
end

-- An owner stays in the ring of owners only while some bucket has work of theirs.
local function tidy_owner(queue, lane, owner)
  local rings = {}
  each_bucket(function(bucket)
    rings[#rings + 1] = key('ring', queue, lane, owner, bucket)
  end)
  if redis.call('EXISTS', unpack(rings)) == 0 then
    redis.call('ZREM', key('owners', queue, lane), owner)
  end
end

-- Takes everything of a job out of the ready lists, however much it is, in a fixed number of commands.
local function unlink(job)
  for _, queue in ipairs({ 'plan', 'assemble', unpack(speak_queues(job)) }) do
    local counts = redis.call('HMGET', key('job', job.id), 'ready_items:' .. queue, 'ready_ms:' .. queue)
    if int(counts[1]) ~= 0 or int(counts[2]) ~= 0 then
      count_ready(job, queue, -int(counts[1]), -int(counts[2]))
    end
    each_bucket(function(bucket)
      redis.call('UNLINK', key('job', job.id, 'ready', queue, bucket))
      redis.call('ZREM', key('ring', queue, job.lane, job.owner, bucket), job.id)
    end)
    tidy_owner(queue, job.lane, job.owner)
  end
end

-- Everything that an ended job leaves behind: its record and its place in the lists, both until RETENTION, and the webhooks that tell of it.
local function close(job)
  unlink(job)
  count_waiting(job, -job.waiting)
  redis.call('UNLINK', key('job', job.id, 'items'), key('job', job.id, 'chapters'), key('job', job.id, 'missing'))
  redis.call('ZREM', key('unfinished'), job.id)
  redis.call('HSET', key('job', job.id), 'finished', now)
  redis.call('PEXPIRE', key('job', job.id), RETENTION)
  redis.call('ZADD', key('ended'), now + RETENTION, job.owner .. ' ' .. job.id .. ' ' .. job.state)
  tell(job)
  redis.call('PUBLISH', key('events'), cjson.encode({ job = job.id, state = job.state }))
end

local function fail(job, error_json)
  if not move(job, 'fail') then
    return false
  end
  redis.call('HSET', key('job', job.id), 'error', error_json)
  close(job)
  return true
end

-- A segment of which nothing fit to be heard will come: the job goes on without it.
local function leave_out(job, item, record, entry)
  record[3] = 'x'
  record[4] = ''
  write_item(job.id, item, record)
  count_waiting(job, -record[2], queue_of(job, item, record))
  count_chapter(job, record, -1)
  local title = redis.call('HGET', key('job', job.id, 'chapters'), 'title:' .. (record[9] or -1))
  if title and title ~= '' then -- so that whoever mends the passage finds it in the book
    local said = cjson.decode(entry)
    said.chapter = title
    entry = cjson.encode(said)
  end
  redis.call('HSET', key('job', job.id, 'missing'), item, entry)
  redis.call('HINCRBY', key('job', job.id), 'missing', 1)
end

-- The error of a job with segments left out: how many, and the first of them.
local function incomplete(job, missing, total)
  local indices = redis.call('HKEYS', key('job', job.id, 'missing'))
  table.sort(indices, function(one, other)
    return int(one) < int(other)
  end)
  local named = {}
  for number = 1, math.min(#indices, MOST_NAMED) do
    named[number] = cjson.decode(redis.call('HGET', key('job', job.id, 'missing'), indices[number]))
  end
  return cjson.encode({
    code = 'incomplete',
    message = missing .. ' of ' .. total .. ' segments could not be spoken',
    remedy = INCOMPLETE,
    details = { count = missing, missing = named },
  })
end

-- What follows once nothing of a job is left to speak: its assembly, or its end where segments are missing that it does not allow to miss.
-- Such a job ends as soon as more are missing than its error would name. Returns whether it is to be assembled.
local function conclude(job)
  local counts = redis.call('HMGET', key('job', job.id), 'total', 'done', 'missing')
  local total, done, missing = int(counts[1]), int(counts[2]), int(counts[3])
  local over = done + missing == total
  local allowed = missing == 0 or job.partial and done > 0
  if not allowed and (over or not job.partial and missing > MOST_NAMED) then
    fail(job, incomplete(job, missing, total))
    return false
  end
  if not over or not move(job, 'spoken') then
    return false
  end
  redis.call('HSET', key('job', job.id), 'spoken', now)
  make_ready(job, 'assemble', { '0', 0, 'r', '', 0, 0 }, false)
  redis.call('SADD', key('queues'), 'assemble')
  return true
end

local function drop_claim_item(claim, id, item)
  local items = key('claim', claim, 'items')
  redis.call('SREM', items, id .. ' ' .. item)
  if redis.call('EXISTS', items) == 0 then
    redis.call('UNLINK', key('claim', claim))
    redis.call('ZREM', key('claims'), claim)
  end
end

-- The fence: the item's record if this claim still holds it, else nil.
local function held(claim, id, item)
  local record = read_item(id, item)
  if record and record[4] == claim and (record[3] == 'c' or record[3] == 's') then
    return record
  end
  return nil
end

local function worker_lost(job, item, losses)
  local what = item == 'plan' and 'planned the document' or item == 'assemble' and 'assembled the audio' or 'spoke segment ' .. item
  return cjson.encode({ code = 'worker_lost', message = losses .. ' worker processes died while they ' .. what })
end

-- Gives an item of a claim back to its queue. Charged: the worker is lost, and items that it had started count a loss; at MAX_LOSSES the job fails,
-- or goes on without the segment where it may. An assembly that is handed back has got on: other jobs come before it again, and what it lost before
-- its progress says nothing of what is left of it.
local function release(claim, id, item, charged)
  local record = held(claim, id, item)
  drop_claim_item(claim, id, item)
  local job = record and place(id)
  if not job then
    return 'stale'
  end
  if charged and record[3] == 's' then
    record[5] = record[5] + 1
    redis.call('HINCRBY', key('totals', queue_of(job, item, record)), 'losses', 1)
    if record[5] >= MAX_LOSSES and job.partial and tonumber(item) then
      local reason = record[5] .. ' worker processes died while they spoke it'
      leave_out(job, item, record, cjson.encode({ index = int(item), text = '', reason = reason }))
      conclude(job)
      return 'left out'
    elseif record[5] >= MAX_LOSSES then
      return fail(job, worker_lost(job, item, record[5])) and 'failed' or 'stale'
    end
  end
  if not move(job, charged and 'lost' or 'return') then
    return 'stale'
  end
  local got_on = item == 'assemble' and not charged
  if got_on then
    record[5] = 0
  end
  make_ready(job, item, record, not got_on)
  return 'ready'
end

-- Gives everything back that a claim of a lost worker still holds. Returns how many items are ready again, and how many jobs failed.
local function release_all(claim)
  local ready, failed = 0, 0
  for _, entry in ipairs(redis.call('SMEMBERS', key('claim', claim, 'items'))) do
    local id, item = entry:match('^(%S+) (%S+)$')
    local outcome = release(claim, id, item, true)
    ready = ready + (outcome == 'ready' and 1 or 0)
    failed = failed + (outcome == 'failed' and 1 or 0)
  end
  redis.call('ZREM', key('claims'), claim)
  redis.call('UNLINK', key('claim', claim), key('claim', claim, 'items'))
  return ready, failed
end

-- Wake-ups to send now: as many as there are batches to claim and hot slots without a task, less those already under way.
local function issue(queue)
  local tokens = key('tokens', queue)
  redis.call('ZREMRANGEBYSCORE', tokens, '-inf', now)
  local backlog = redis.call('HMGET', key('backlog', queue), 'items', 'ms', 'items_per_batch', 'ms_per_batch')
  local items, ms = int(backlog[1]), int(backlog[2])
  if items <= 0 then
    return {}
  end
  local batches = 1
  if int(backlog[3]) > 0 then
    batches = math.max(batches, math.ceil(items / int(backlog[3])), math.ceil(ms / math.max(1, int(backlog[4]))))
  end
  local wanted = batches - redis.call('ZCARD', tokens)
  local issued = {}
  if wanted <= 0 then
    return issued
  end
  local free = -redis.call('ZCARD', tokens)
  for _, slot in ipairs(redis.call('ZRANGEBYSCORE', key('hot', queue), '(' .. now, '+inf')) do
    if int(redis.call('ZSCORE', key('busy'), slot)) <= now then
      free = free + 1
    end
  end
  for _ = 1, math.min(wanted, free) do
    local token = tostring(turn())
    redis.call('ZADD', tokens, now + TOKEN, token)
    issued[#issued + 1] = queue .. ' ' .. token
  end
  return issued
end

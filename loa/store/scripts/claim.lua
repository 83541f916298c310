-- Claims the next batch of a queue for a hot slot, under a lease.
-- ARGV: queue, slot, token or '', nonce, most items, most audio (ms), compute ms per audio ms, least limit (ms).
-- Returns {'drain' | 'cold' | 'empty'} or
-- {'batch' | 'alone', claim, ready items left, n, n × (job, item, bad takes of it), m, m × (record as a flat list), tokens…}.
-- A call that is made again, because only its answer was lost, is answered with the claim that it made: nobody else would ever work on it.
local queue, slot = ARGV[1], ARGV[2]
local most_items, most_ms, rate = int(ARGV[5]), int(ARGV[6]), tonumber(ARGV[7])
local woken = ARGV[3] ~= ''

local function answer(claim, picked)
  local reply = { picked[1][3][5] > 0 and 'alone' or 'batch', claim, int(redis.call('HGET', key('backlog', queue), 'items')), #picked }
  local records, told = {}, {}
  for _, entry in ipairs(picked) do
    local id = entry[1]
    if not told[id] then
      told[id] = true
      records[#records + 1] = redis.call('HGETALL', key('job', id))
    end
    reply[#reply + 1] = id
    reply[#reply + 1] = entry[2]
    reply[#reply + 1] = int(entry[3][7])
  end
  reply[#reply + 1] = #records
  for _, record in ipairs(records) do
    reply[#reply + 1] = record
  end
  return reply
end

local nonce, earlier = unpack(redis.call('HMGET', key('slot', slot), 'nonce', 'claim'))
if nonce == ARGV[4] then
  local still = {}
  for _, entry in ipairs(redis.call('SMEMBERS', key('claim', earlier, 'items'))) do
    local id, item = entry:match('^(%S+) (%S+)$')
    local record = held(earlier, id, item)
    if record then
      still[#still + 1] = { id, item, record }
    end
  end
  if #still > 0 then
    return answer(earlier, still)
  end
end

redis.call('ZREM', key('tokens', queue), ARGV[3])
redis.call('HINCRBY', key('backlog', queue), 'wakes', woken and 1 or 0)
if redis.call('ZSCORE', key('draining'), slot:match('^(.*)/[^/]*$')) then
  redis.call('ZREM', key('busy'), slot)
  return { 'drain' }
end
if int(redis.call('ZSCORE', key('hot', queue), slot)) <= now then
  redis.call('ZREM', key('busy'), slot)
  return { 'cold' }
end

local places, picked, total_ms, touched = {}, {}, 0, 0

-- Moves items from one ring into the batch, a job at a time in turns, until the batch is full or the ring is empty.
local function take(lane, owner, bucket, most)
  local ring = key('ring', queue, lane, owner, bucket)
  while #picked < most and touched < 4 * most_items do
    local id = redis.call('ZRANGE', ring, 0, 0)[1]
    if not id then
      return
    end
    local list = key('job', id, 'ready', queue, bucket)
    local item = redis.call('LINDEX', list, 0)
    local record = item and read_item(id, item)
    touched = touched + 1
    if record and record[3] == 'r' then
      if #picked > 0 and total_ms + record[2] > most_ms then
        return
      end
      local job = places[id] or place(id)
      places[id] = job
      picked[#picked + 1] = { id, item, record }
      total_ms = total_ms + record[2]
      count_ready(job, queue, -1, -record[2])
    end
    redis.call('LPOP', list)
    if redis.call('EXISTS', list) == 1 then
      redis.call('ZADD', ring, turn(), id)
    else
      redis.call('ZREM', ring, id)
    end
  end
end

-- The bucket whose first job has waited longest.
local function oldest(lane, owner)
  local best, first
  each_bucket(function(bucket)
    local head = redis.call('ZRANGE', key('ring', queue, lane, owner, bucket), 0, 0, 'WITHSCORES')
    if head[1] and (not first or tonumber(head[2]) < first) then
      best, first = bucket, tonumber(head[2])
    end
  end)
  return best
end

local function fill(lane)
  local owners = redis.call('ZRANGE', key('owners', queue, lane), 0, 15)
  local bucket
  while owners[1] do
    bucket = oldest(lane, owners[1])
    if bucket then
      break
    end
    redis.call('ZREM', key('owners', queue, lane), table.remove(owners, 1))
  end
  if not bucket then
    return
  end
  redis.call('ZADD', key('owners', queue, lane), turn(), owners[1])
  if bucket == SOLO then
    take(lane, owners[1], SOLO, 1)
    return tidy_owner(queue, lane, owners[1])
  end
  for _, near in ipairs({ bucket, tostring(int(bucket) - 1), tostring(int(bucket) + 1) }) do
    for _, owner in ipairs(owners) do
      take(lane, owner, near, most_items)
    end
  end
  for _, owner in ipairs(owners) do
    tidy_owner(queue, lane, owner)
  end
end

local turns = redis.call('HINCRBY', key('backlog', queue), 'claims', 1)
local first, second = 'interactive', 'bulk'
if turns % 4 == 0 then
  first, second = second, first -- bulk always moves
end
fill(first)
if #picked == 0 then
  fill(second)
end
if #picked == 0 then
  redis.call('ZREM', key('busy'), slot)
  redis.call('HINCRBY', key('backlog', queue), 'noops', woken and 1 or 0)
  return { 'empty' }
end

local claim = turn() .. '-' .. ARGV[4]
for _, entry in ipairs(picked) do
  local id, item, record = entry[1], entry[2], entry[3]
  local job = places[id]
  record[3] = #picked == 1 and 's' or 'c' -- a lone item is begun at once: no call of its own for that
  record[4] = claim
  write_item(id, item, record)
  redis.call('SADD', key('claim', claim, 'items'), id .. ' ' .. item)
  if not job.claimed then
    job.claimed = true
    redis.call('HSETNX', key('job', id), 'started', now)
    if job.state == 'queued' then
      move(job, item == 'plan' and 'plan' or 'speak')
    end
  end
end
local limit = math.max(int(ARGV[8]), math.ceil(10 * total_ms * rate))
redis.call('HSET', key('claim', claim), 'queue', queue, 'slot', slot, 'until', now + limit)
redis.call('ZADD', key('claims'), now + LEASE, claim)
redis.call('ZADD', key('busy'), now + LEASE, slot)
redis.call('HSET', key('backlog', queue), 'items_per_batch', most_items, 'ms_per_batch', most_ms)
if redis.call('EXISTS', key('slot', slot)) == 1 then -- else Redis has lost it, and its next beat announces it again
  redis.call('HSET', key('slot', slot), 'nonce', ARGV[4], 'claim', claim)
end
local reply = answer(claim, picked)
for _, token in ipairs(issue(queue)) do
  reply[#reply + 1] = token
end
return reply

-- The outbox: webhooks that are to be delivered, a part of every script like prelude.lua.
-- SCHEDULE (ms before each attempt), DELIVERY_MOVES, CONCURRENCY, KEPT_ATTEMPTS, PATIENCE, SILENCE, PACES, NEW, TEST and STANDING_OWNER are put before this text by scripts.py.
-- A pending delivery is in `due:ENDPOINT`, or in `flying:ENDPOINT` while some process attempts it under a claim. `lane:PACE` says when
-- an endpoint of this pace has something to do; one that had its turn comes after those that wait already, however much waits for it.

local function read_delivery(id)
  local names = { 'owner', 'state', 'created', 'endpoint', 'event', 'job', 'claim', 'tries', 'attempts' }
  local fields = redis.call('HMGET', key('delivery', id), unpack(names))
  if not fields[1] then
    return nil
  end
  local delivery = { id = id }
  for index, name in ipairs(names) do
    delivery[name] = fields[index]
  end
  return delivery
end

-- The one way a delivery's state changes. Returns the new state, or nil where the table has no such move.
local function move_delivery(delivery, event)
  local target = DELIVERY_MOVES[delivery.state][event]
  if target and target ~= delivery.state then
    enter(delivery, target, 'delivery', 'deliveries', 'delivery_counts')
  end
  return target
end

local function disabled(endpoint)
  return redis.call('HEXISTS', key('endpoint', endpoint), 'disabled') == 1
end

local function enable(endpoint)
  redis.call('HDEL', key('endpoint', endpoint), 'failing', 'failed', 'disabled', 'reason')
end

-- Attempts that an endpoint may have at once: one that fails has to show that it is back before it gets more.
local function room(endpoint)
  local failing = redis.call('HEXISTS', key('endpoint', endpoint), 'failing') == 1
  return (failing and 1 or CONCURRENCY) - redis.call('ZCARD', key('flying', endpoint))
end

-- Sets when an endpoint has something to do: its first due delivery, if there is room for one more, but not before its last turn; or the end of
-- a lease. Returns that, or nil.
local function reckon(endpoint)
  local pace, last = unpack(redis.call('HMGET', key('endpoint', endpoint), 'pace', 'turn'))
  local first = tonumber(redis.call('ZRANGE', key('flying', endpoint), 0, 0, 'WITHSCORES')[2]) or math.huge
  local waiting = room(endpoint) > 0 and redis.call('ZRANGE', key('due', endpoint), 0, 0, 'WITHSCORES')[2]
  if waiting then
    first = math.min(first, math.max(tonumber(waiting), int(last)))
  end
  for _, other in ipairs(PACES) do
    if first < math.huge and other == (pace or NEW) then
      redis.call('ZADD', key('lane', other), first, endpoint)
    else
      redis.call('ZREM', key('lane', other), endpoint)
    end
  end
  return first < math.huge and first or nil
end

local function make_due(delivery, at)
  redis.call('HSET', key('delivery', delivery.id), 'due', at)
  redis.call('ZADD', key('due', delivery.endpoint), at, delivery.id)
  local first = reckon(delivery.endpoint)
  if first and first <= now then
    redis.call('PUBLISH', key('deliveries'), delivery.endpoint)
  end
end

local function bury(delivery, reason)
  redis.call('HSET', key('delivery', delivery.id), 'reason', reason)
  redis.call('HDEL', key('delivery', delivery.id), 'due')
  move_delivery(delivery, 'give_up')
end

-- Takes a delivery out of the hands of whoever attempts it, if that is (still) this claim.
local function land(delivery, claim)
  if not delivery or not delivery.claim or delivery.claim ~= claim then
    return false
  end
  redis.call('HDEL', key('delivery', delivery.id), 'claim')
  redis.call('ZREM', key('flying', delivery.endpoint), delivery.id)
  redis.call('HSET', key('endpoint', delivery.endpoint), 'turn', now)
  return true
end

-- Writes a delivery and what is to become of it. It is kept for RETENTION, and so is its endpoint, counted from its last delivery.
local function write_delivery(id, owner, endpoint, url, job, event, message)
  local record = key('delivery', id)
  if redis.call('EXISTS', record) == 1 then
    return
  end
  local delivery = { id = id, owner = owner, endpoint = endpoint, event = event, state = 'pending', created = now }
  redis.call('HSET', key('endpoint', endpoint), 'url', url)
  redis.call('PEXPIRE', key('endpoint', endpoint), RETENTION + 60000)
  redis.call('HSET', record, 'id', id, 'owner', owner, 'endpoint', endpoint, 'job', job, 'event', event, 'message', message, 'state', 'pending', 'created', now)
  redis.call('PEXPIRE', record, RETENTION)
  redis.call('ZADD', key('deliveries', owner, 'all'), now, id)
  redis.call('ZADD', key('deliveries', owner, 'pending'), now, id)
  redis.call('HINCRBY', key('delivery_counts'), 'pending', 1)
  redis.call('ZADD', key('kept'), now + RETENTION, id .. ' ' .. owner .. ' ' .. endpoint)
  if disabled(endpoint) and event ~= TEST then
    bury(delivery, 'endpoint_disabled')
  else
    make_due(delivery, event == TEST and now or now + SCHEDULE[1])
  end
end

-- Everybody who wants to hear of a job's end gets one delivery, in the very script that ends the job. Ids derive from what is told and to whom, so
-- telling it twice would write the same again; an endpoint that is both standing and the job's own hears it once.
local function tell(job)
  local event = 'job.' .. job.state
  local wanted = {}
  local standing = redis.call('HGETALL', key('standing'))
  for index = 1, #standing, 2 do
    wanted[standing[index]] = { STANDING_OWNER, standing[index + 1] }
  end
  local raw = redis.call('HGET', key('job', job.id), 'webhook')
  local webhook = raw and raw ~= '' and cjson.decode(raw)
  for _, name in ipairs(webhook and webhook.events or {}) do
    if name == event then
      wanted[webhook.endpoint] = { job.owner, webhook.url }
    end
  end
  if not next(wanted) then
    return
  end
  local message = 'msg_' .. redis.sha1hex(job.id .. ' ' .. event):sub(1, 24)
  local ids = {}
  for endpoint, target in pairs(wanted) do
    local id = 'dlv_' .. redis.sha1hex(message .. ' ' .. endpoint):sub(1, 24)
    write_delivery(id, target[1], endpoint, target[2], job.id, event, message)
    ids[#ids + 1] = id
  end
  redis.call('HSET', key('job', job.id), 'deliveries', table.concat(ids, ' '))
end

-- Removes what is left of a delivery whose time is over.
local function forget_delivery(id, owner, endpoint)
  redis.call('ZREM', key('deliveries', owner, 'all'), id)
  for _, state in ipairs({ 'pending', 'delivered', 'dead' }) do
    redis.call('HINCRBY', key('delivery_counts'), state, -redis.call('ZREM', key('deliveries', owner, state), id))
  end
  redis.call('ZREM', key('due', endpoint), id)
  redis.call('ZREM', key('flying', endpoint), id)
  redis.call('UNLINK', key('delivery', id))
  reckon(endpoint)
end

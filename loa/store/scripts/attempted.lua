-- Records an attempt and what follows from it.
-- ARGV: delivery, claim, attempt (JSON), outcome ('accepted', 'refused' or 'gone'), least ms to the next attempt, factor of the schedule's step,
-- pace of the endpoint.
-- Returns {state of the delivery, why it is dead or '', 1 if this disabled the endpoint}, or {'superseded'}.
local delivery = read_delivery(ARGV[1])
if not land(delivery, ARGV[2]) then
  return { 'superseded' }
end
local record, endpoint = key('delivery', delivery.id), key('endpoint', delivery.endpoint)
local number, tries = int(delivery.attempts) + 1, int(delivery.tries) + 1
redis.call('HSET', endpoint, 'pace', ARGV[7])
redis.call('HSET', record, 'attempts', number, 'tries', tries, 'attempt:' .. number, ARGV[3])
redis.call('HDEL', record, 'attempt:' .. number - KEPT_ATTEMPTS)

local function disable(reason)
  redis.call('HSET', endpoint, 'disabled', now, 'reason', reason)
  bury(delivery, reason)
  reckon(delivery.endpoint)
  return { delivery.state, reason, 1 }
end

local function give_up(reason)
  bury(delivery, reason)
  reckon(delivery.endpoint)
  return { delivery.state, reason, 0 }
end

if ARGV[4] == 'accepted' then
  redis.call('HDEL', record, 'due')
  move_delivery(delivery, 'accept')
  enable(delivery.endpoint)
  reckon(delivery.endpoint)
  return { delivery.state, '', 0 }
end
if delivery.event == TEST then
  return give_up('test_failed')
end
if disabled(delivery.endpoint) then
  return give_up('endpoint_disabled')
end
if ARGV[4] == 'gone' then
  return disable('gone')
end

-- Failing is counted from the first failure after a success; but a receiver that was not asked for a long time was not failing all that time.
local since, last = unpack(redis.call('HMGET', endpoint, 'failing', 'failed'))
if not since or now - int(last) > SILENCE then
  since = now
end
redis.call('HSET', endpoint, 'failing', since, 'failed', now)
if now - since >= PATIENCE then
  return disable('failing')
end
if not SCHEDULE[tries + 1] then
  return give_up('exhausted')
end
move_delivery(delivery, 'retry')
make_due(delivery, now + math.max(math.floor(SCHEDULE[tries + 1] * tonumber(ARGV[6])), int(ARGV[5])))
return { delivery.state, '', 0 }

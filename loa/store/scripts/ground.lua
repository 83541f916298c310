-- The ground of every script: keys and time, before outbox.lua and prelude.lua. KEYS[1] is the key prefix, SCHEMA what this version of Loa writes.

local PREFIX = KEYS[1]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function key(...)
  return PREFIX .. table.concat({ ... }, ':')
end

-- A process that runs on after newer data came is told so, before it changes anything.
local schema = redis.call('GET', key('schema'))
if schema and tonumber(schema) > SCHEMA then
  return redis.error_reply('SCHEMA ' .. schema)
end

local function int(value)
  return tonumber(value) or 0
end

local function turn()
  return redis.call('INCR', key('seq'))
end

-- What has states (a job, a delivery: its id, owner, state and created) enters another: in its record, in the lists of its owner, and in the counts.
local function enter(thing, state, record, lists, counts)
  redis.call('ZREM', key(lists, thing.owner, thing.state), thing.id)
  redis.call('ZADD', key(lists, thing.owner, state), thing.created, thing.id)
  redis.call('HSET', key(record, thing.id), 'state', state)
  redis.call('HINCRBY', key(counts), thing.state, -1)
  redis.call('HINCRBY', key(counts), state, 1)
  thing.state = state
end

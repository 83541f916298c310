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

-- Change the live settings, whole, if they are still at the version that the change was made for.
--
-- KEYS  1  current: hash; version, chosen_us (when somebody last chose, in microseconds since 1970; 0 of values that
--          nobody chose), and every live setting by its name. No expiry.
--       2  history: stream; entry `version-0` with fields who, why, time_ms, changes (JSON: name -> [before, after]).
--          No expiry; about the newest ARGV 4 entries are kept.
-- ARGV  1  version that the change was made for ('0': there are no settings yet)
--       2  who          3  why          4  entries to keep          5  changes, as JSON
--       6  version known to whoever writes: the new one is above it, also in a Redis that has forgotten it
--       7  chosen_us of the values; '' for now
--       8… setting name, new value, flat
-- Returns {1, the new version}, or {0, the version found} when the settings have moved on: nothing is written then.
-- A repeat finds the version moved on and changes nothing.

local current, history = KEYS[1], KEYS[2]

local held = tonumber(redis.call('HGET', current, 'version') or 0)
if held ~= tonumber(ARGV[1]) then
  return {0, held}
end

-- The history goes on counting where somebody has deleted the hash alone.
local newest = redis.call('XREVRANGE', history, '+', '-', 'COUNT', 1)[1]
local version = math.max(held, tonumber(ARGV[6]), newest and tonumber(string.match(newest[1], '^%d+')) or 0) + 1
local time = redis.call('TIME')
local time_ms = string.format('%.0f', tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000))

local chosen_us = ARGV[7]
if chosen_us == '' then
  -- Later than what it changes, also where a Redis of an earlier clock has taken over.
  local before_us = tonumber(redis.call('HGET', current, 'chosen_us') or 0)
  chosen_us = string.format('%.0f', math.max(tonumber(time[1]) * 1000000 + tonumber(time[2]), before_us + 1))
end

redis.call('HSET', current, 'version', version, 'chosen_us', chosen_us, unpack(ARGV, 8))
redis.call(
  'XADD', history, 'MAXLEN', '~', ARGV[4], version .. '-0',
  'who', ARGV[2], 'why', ARGV[3], 'time_ms', time_ms, 'changes', ARGV[5]
)
return {1, version}

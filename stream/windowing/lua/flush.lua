-- End open sessions of a partition, whatever the time, once its position has reached a bound.
--
-- KEYS  1 state  2 sessions  3 deadlines  4 ready   (as in apply.lua)
-- ARGV  1  the position to reach first
--       2  the most sessions to end in this call
--       3  window size
-- Returns {position, sessions ended, sessions still open}. Below the bound nothing is ended. A repeat is harmless.

local state, sessions, deadlines, ready = unpack(KEYS)
local position = tonumber(redis.call('HGET', state, 'position') or -1)
if position < tonumber(ARGV[1]) then
  return {position, 0, redis.call('HLEN', sessions)}
end

-- First a write that Redis refuses when its memory is full: it then refuses here, before anything has changed.
redis.call('HSET', state, 'position', string.format('%.0f', position))

local ended = 0
for _, key in ipairs(redis.call('ZRANGE', deadlines, 0, tonumber(ARGV[2]) - 1)) do
  local packed = redis.call('HGET', sessions, key)
  if packed then
    local count, _, events = unpack_session(packed)
    cut(ready, key, count, 1, tail(events, tonumber(ARGV[3])))
    redis.call('HDEL', sessions, key)
    ended = ended + 1
  end
  redis.call('ZREM', deadlines, key)
end
return {position, ended, redis.call('HLEN', sessions)}

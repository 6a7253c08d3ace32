-- End waits and sessions of a partition for another reason than an event of its log: it fell silent, or a flush.
--
-- KEYS  1-6  see partition.lua
-- ARGV  1  owner token; '' where anybody may do it, as a flush
--       2  the position that the state must have; for a flush: that it must have reached
--       3  what ends: 'due' (only what earlier calls left over), 'waits' (also every wait), 'sessions' (also every
--          session); as much as the rule lets one call do
--       4  MessagePack map: the rule, see partition.lua
-- Returns as apply.lua: {'done', position, 0, summary...}, {'owner'}, {'gap', position}. A repeat is harmless.

local state, at = KEYS[1], tonumber(ARGV[2])
local held = redis.call('HMGET', state, 'owner', 'position')
local position = tonumber(held[2] or -1)
if ARGV[1] ~= '' and held[1] ~= ARGV[1] then
  return {'owner'}
end
if position < at or (ARGV[1] ~= '' and position > at) then
  return {'gap', position}
end

local partition = open_partition(KEYS, cmsgpack.unpack(ARGV[4]))

-- First a write that Redis refuses when its memory is full: it then refuses here, before anything has changed.
redis.call('HSET', state, 'position', ms(position))

if ARGV[3] == 'due' then
  partition.release()
else
  partition.release_all()
end
partition.end_expired()
if ARGV[3] == 'sessions' then
  partition.end_open()
end
partition.save()
return {'done', position, 0, partition.summary()}

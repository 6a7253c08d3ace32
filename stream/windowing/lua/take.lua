-- Take a partition: the last taker owns it, and every other consumer's calls are refused from now on.
--
-- KEYS  1  state: hash; fields owner, position, topic_id, stream_time, watermark, format, late (count),
--            settings (version of the live settings that the last call had). No expiry.
--       2  waiting  3  sessions  4  deadlines  5  ready   (see partition.lua)
-- ARGV  1  owner token of the taker
--       2  topic id, as text ('' where the broker does not tell)
--       3  format of the state that the taker can read
--       4  offset to start at where there is no state yet
--       5  the workers' consumer group, which is created: once the memory is full, they could not create it themselves
-- Returns {position, stream time, topic id in the state, format in the state}.
-- With another topic id or format in the state nothing is written. A repeat is harmless.

local state = KEYS[1]
local held = redis.call('HMGET', state, 'position', 'stream_time', 'topic_id', 'format')
local position, stream_time, topic_id, format = held[1], held[2], held[3], held[4]

if not position then
  position, stream_time, topic_id, format = ARGV[4], '0', ARGV[2], ARGV[3]
  redis.call('HSET', state, 'position', position, 'stream_time', stream_time, 'watermark', '0',
    'topic_id', topic_id, 'format', format)
  redis.call('DEL', KEYS[2], KEYS[3], KEYS[4]) -- what is left of a state that somebody deleted in part counts nothing
end
if format ~= ARGV[3] or (topic_id ~= ARGV[2] and topic_id ~= '' and ARGV[2] ~= '') then
  return {tonumber(position), tonumber(stream_time), topic_id, format}
end
redis.call('HSET', state, 'owner', ARGV[1])
if topic_id == '' and ARGV[2] ~= '' then -- the broker that was asked first told none
  redis.call('HSET', state, 'topic_id', ARGV[2])
end
redis.pcall('XGROUP', 'CREATE', KEYS[5], ARGV[5], '0', 'MKSTREAM') -- an error where it exists
return {tonumber(position), tonumber(stream_time), topic_id, format}

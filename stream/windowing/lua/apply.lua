-- Apply the events of the offsets [from, to) of a partition to its windows: whole, or not at all.
--
-- KEYS  1-6  see partition.lua
--       7  novel: hash; event ID -> JSON of its text and sample (texts of templates that the model does not know)
--       8  novel counts: hash; event ID -> how often it came
-- ARGV  1  owner token        2  from            3  to
--       4  MessagePack map: the rule, see partition.lua; novel_events: the most event IDs that `novel` may hold;
--          version: of the live settings
--       5  events in the order of the log, ENTRY bytes each (see partition.lua); time 0: the line has none of its own
--       6  MessagePack list: for each event the index in ARGV 7 of its key
--       7  MessagePack list: the distinct keys
--       8  MessagePack list: event ID, JSON, count of each novel event, flat ('' for none)
-- Returns {'done', position, events skipped, summary...} (see partition.lua)
--      or {'owner'} another consumer has taken the partition
--      or {'gap', position} the state has not seen the offsets before `from`: go back to position

local state, novel, novel_counts = KEYS[1], KEYS[7], KEYS[8]
local from, to = tonumber(ARGV[2]), tonumber(ARGV[3])
local rule = cmsgpack.unpack(ARGV[4])

local held = redis.call('HMGET', state, 'owner', 'position')
local position = tonumber(held[2] or -1)
if held[1] ~= ARGV[1] then
  return {'owner'}
end
if from > position then
  return {'gap', position}
end

-- First everything that can fail by what is there, or is given.
local partition = open_partition(KEYS, rule)
local entries, key_of, keys = ARGV[5], cmsgpack.unpack(ARGV[6]), cmsgpack.unpack(ARGV[7])
local seen = ARGV[8] == '' and {} or cmsgpack.unpack(ARGV[8])
local known_novel = redis.call('HLEN', novel)
redis.call('HLEN', novel_counts)
partition.load(keys)

-- Then a write that Redis refuses when its memory is full: it then refuses here, before anything has changed.
redis.call('HSET', state, 'position', ms(math.max(position, to)))

local skipped = 0
for n = 1, #key_of do
  local at = (n - 1) * ENTRY + 1
  -- The offset alone, without the line in its record: Lua's numbers hold 53 bits.
  if from < position and struct.unpack('>I6', entries, at + 16) < position then
    skipped = skipped + 1 -- an earlier call applied it
  else
    partition.arrive(keys[key_of[n]], entries, at)
  end
end
partition.release()
partition.end_expired()
partition.save()

for n = 1, #seen, 3 do
  if known_novel < rule.novel_events or redis.call('HEXISTS', novel, seen[n]) == 1 then
    known_novel = known_novel + redis.call('HSETNX', novel, seen[n], seen[n + 1])
    -- Of a batch that was applied before in part, it is not known which events were counted: count none twice.
    redis.call('HINCRBY', novel_counts, seen[n], skipped == 0 and seen[n + 2] or 0)
  end
end
return {'done', math.max(position, to), skipped, partition.summary()}

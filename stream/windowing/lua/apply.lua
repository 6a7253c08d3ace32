-- Apply the events of the offsets [from, to) of a partition to its windows: whole, or not at all.
-- Agrees with PartitionWindows in windows.py on every history.
--
-- KEYS  1  state: hash, see take.lua
--       2  sessions: hash, see session.lua
--       3  deadlines: sorted set; session key -> a lower bound of its last event's time, ms
--       4  ready: stream of cut windows, see session.lua
--       5  novel: hash; event ID -> JSON of its text and sample (texts of templates that the model does not know)
--       6  novel counts: hash; event ID -> how often it came
--     No key expires: expiry would drop what the position already counts.
-- ARGV  1  owner token        2  from            3  to
--       4  window size        5  hop             6  session gap, ms
--       7  the most sessions to end beyond those that this batch's own events end
--       8  the most event IDs that `novel` may hold
--       9  events in the order of the log, ENTRY bytes each (see session.lua)
--      10  MessagePack list: for each event the index in ARGV 11 of its key
--      11  MessagePack list: the distinct keys
--      12  MessagePack list: event ID, JSON, count of each novel event, flat ('' for none)
-- Returns {'applied', position, windows cut, late events, events skipped, sessions ended, open sessions, ready windows}
--      or {'owner'} another consumer has taken the partition
--      or {'gap', position} the state has not seen the offsets before `from`: go back to position

local state, sessions, deadlines, ready, novel, novel_counts = unpack(KEYS)
local from, to = tonumber(ARGV[2]), tonumber(ARGV[3])
local size, hop, gap = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])

local held = redis.call('HMGET', state, 'owner', 'position', 'stream_time')
local position = tonumber(held[2] or -1)
local stream_time = tonumber(held[3] or 0)
if held[1] ~= ARGV[1] then
  return {'owner'}
end
if from > position then
  return {'gap', position}
end
if to <= position then
  return {'applied', position, 0, 0, #ARGV[9] / ENTRY, 0, redis.call('HLEN', sessions), redis.call('XLEN', ready)}
end

-- First a write that Redis refuses when its memory is full: it then refuses here, before anything has changed.
redis.call('HSET', state, 'position', to)

local events, key_of, keys = ARGV[9], cmsgpack.unpack(ARGV[10]), cmsgpack.unpack(ARGV[11])
local windows, late, skipped, ended = 0, 0, 0, 0

-- The sessions that the batch touches, read at once. open[i] belongs to keys[i]; false: none is open.
local open = {}
for first = 1, #keys, 1000 do
  local last = math.min(first + 999, #keys)
  local packed = redis.call('HMGET', sessions, unpack(keys, first, last))
  for i = 1, last - first + 1 do
    if packed[i] then
      local count, last_time, old = unpack_session(packed[i])
      open[first + i - 1] = {count = count, last = last_time, old = old, fresh = {}}
    else
      open[first + i - 1] = false
    end
  end
end

-- Join a session's events into one string again, and give it.
local function events_of(session)
  if #session.fresh > 0 then
    session.old = tail(session.old .. table.concat(session.fresh), size)
    session.fresh = {}
  end
  return tail(session.old, size)
end

local touched = {}
for n = 1, #key_of do
  local at = (n - 1) * ENTRY + 1
  if from < position and math.floor(struct.unpack('>I8', events, at + 16) / 65536) < position then
    skipped = skipped + 1
  else
    local i = key_of[n]
    local time = struct.unpack('>I8', events, at + 8)
    local entry
    if time < stream_time then
      late = late + 1
      time = stream_time
      entry = string.sub(events, at, at + 7) .. struct.pack('>I8', time) .. string.sub(events, at + 16, at + 23)
    else
      stream_time = time
      entry = string.sub(events, at, at + 23)
    end
    local session = open[i]
    if session and time - session.last > gap then
      cut(ready, keys[i], session.count, 1, events_of(session))
      windows, ended, session = windows + 1, ended + 1, nil
    end
    if not session then
      session = {count = 0, old = '', fresh = {}}
      open[i] = session
    end
    touched[i] = true
    session.count, session.last = session.count + 1, time
    session.fresh[#session.fresh + 1] = entry
    if session.count % hop == 0 then
      cut(ready, keys[i], session.count, 0, events_of(session))
      windows = windows + 1
    end
  end
end

-- Write the touched sessions back; a new one also gets its deadline (old ones keep an earlier bound, see below).
local fields, members = {}, {}
for i in pairs(touched) do
  local session = open[i]
  fields[#fields + 1] = keys[i]
  fields[#fields + 1] = struct.pack('>I4I8', session.count, session.last) .. events_of(session)
  members[#members + 1] = session.last
  members[#members + 1] = keys[i]
end
for first = 1, #fields, 1000 do
  local last = math.min(first + 999, #fields)
  redis.call('HSET', sessions, unpack(fields, first, last))
  redis.call('ZADD', deadlines, 'NX', unpack(members, first, last))
end

-- End sessions that stream time has left behind. A deadline is only a lower bound, so look before ending.
local bound = stream_time - gap
local due = redis.call('ZRANGEBYSCORE', deadlines, '-inf', '(' .. string.format('%.0f', bound), 'LIMIT', 0, ARGV[7])
for _, key in ipairs(due) do
  local packed = redis.call('HGET', sessions, key)
  local count, last, old
  if packed then
    count, last, old = unpack_session(packed)
  end
  if packed and last >= bound then
    redis.call('ZADD', deadlines, string.format('%.0f', last), key)
  else
    if packed then
      cut(ready, key, count, 1, tail(old, size))
      windows, ended = windows + 1, ended + 1
      redis.call('HDEL', sessions, key)
    end
    redis.call('ZREM', deadlines, key)
  end
end

if ARGV[12] ~= '' then
  local seen = cmsgpack.unpack(ARGV[12])
  for n = 1, #seen, 3 do
    if redis.call('HLEN', novel) < tonumber(ARGV[8]) or redis.call('HEXISTS', novel, seen[n]) == 1 then
      redis.call('HSETNX', novel, seen[n], seen[n + 1])
      -- Of a batch that was applied before in part, it is not known which events were counted: count none twice.
      redis.call('HINCRBY', novel_counts, seen[n], skipped == 0 and seen[n + 2] or 0)
    end
  end
end

redis.call('HSET', state, 'stream_time', string.format('%.0f', stream_time))
if late > 0 then
  redis.call('HINCRBY', state, 'late', late)
end
return {'applied', to, windows, late, skipped, ended, redis.call('HLEN', sessions), redis.call('XLEN', ready)}

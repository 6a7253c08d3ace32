-- The windows of a partition, shared by apply.lua and advance.lua, which are loaded behind it, and it behind ready.lua.
-- Agrees with PartitionWindows in windows.py on every history. Touches nothing by itself.
--
-- KEYS of both scripts
--   1  state: hash, see take.lua
--   2  waiting: sorted set of the events that wait for the grace to pass; score: effective time, ms; member:
--        8 bytes place, 8 bytes event ID, then the session's key: events of one time stand in the order of the log
--   3  sessions: hash; the session's key -> its packed state:
--        4 bytes  events the session has had          (unsigned, big-endian)
--        8 bytes  effective time of its last event, ms
--        then its last `size` events at most, oldest first, ENTRY bytes each:
--          8 bytes event ID, 8 bytes effective time in ms, 8 bytes place: offset * 65536 + line in record
--   4  deadlines: sorted set; the session's key -> a lower bound of its last event's time, ms
--   5  ready: stream of cut windows; fields
--        k  the session's key
--        h  4 bytes session events when it was cut, 1 byte: 1 when final, else 0
--        e  its events, ENTRY bytes each
--   6  ready bytes: about how many bytes the ready stream takes, see ready.lua
--   No key expires: expiry would drop what the position already counts.
--
-- `rule` is a map: size, hop, gap (ms), grace (ms); open_sessions, waiting_events: the limits; and what bounds the work of a
-- call beyond its events and the limits: ends, joins (the most sessions that end, and waiting events that join), bytes
-- (none of either once the call has cut windows of as many). What is left is due: the next call does it.

local ENTRY = 24
local HEADER = 12
local CHUNK = 1000 -- Lua's unpack takes some thousand values at once

local function ms(number)
  return string.format('%.0f', number) -- Lua writes large numbers in a form that loses digits
end

local function open_partition(keys, rule)
  local state, waiting, sessions, deadlines, ready, ready_bytes = unpack(keys, 1, 6)
  local size, hop, gap, grace = rule.size, rule.hop, rule.gap, rule.grace
  -- Each key is read before anything is written: one that is of another type must not stop a call half-way.
  redis.call('ZCARD', deadlines)
  redis.call('XLEN', ready)
  redis.call('GET', ready_bytes)
  local held = redis.call('HMGET', state, 'stream_time', 'watermark')
  local stream_time, watermark = tonumber(held[1] or 0), tonumber(held[2] or 0)
  local counts = {windows = 0, bytes = 0, late = 0, hurried = 0, ended = 0, crowded_out = 0}
  local n_waiting, n_open = redis.call('ZCARD', waiting), redis.call('HLEN', sessions)
  local arrived = {}        -- scores and members to be added to `waiting`
  local known = {}          -- key -> session, or false where none is open
  local changed = {}        -- key -> true: to be written back
  local opened = {}         -- keys that are not among the deadlines yet
  local joins_left = rule.joins
  local is_more_due = false -- whether the call's bounds left something undone

  local function unpacked(packed)
    local count, last = struct.unpack('>I4I8', packed)
    return {count = count, last = last, old = string.sub(packed, HEADER + 1), fresh = {}, stored = true}
  end

  -- Read the sessions of many keys at once.
  local function load(wanted)
    for first = 1, #wanted, CHUNK do
      local last = math.min(first + CHUNK - 1, #wanted)
      local found = redis.call('HMGET', sessions, unpack(wanted, first, last))
      for i = first, last do
        local packed = found[i - first + 1]
        known[wanted[i]] = packed and unpacked(packed)
      end
    end
  end

  local function session_of(key)
    if known[key] == nil then
      load({key})
    end
    return known[key]
  end

  -- Join a session's events into one string again, and give the last `size` of them.
  local function events_of(session)
    local events = session.old
    if #session.fresh > 0 then
      events = events .. table.concat(session.fresh)
      session.fresh = {}
    end
    if #events > size * ENTRY then
      events = string.sub(events, -size * ENTRY)
    end
    session.old = events
    return events
  end

  local function cut(key, session, final)
    local events = events_of(session)
    redis.call('XADD', ready, '*', 'k', key, 'h', struct.pack('>I4B', session.count, final), 'e', events)
    counts.windows, counts.bytes = counts.windows + 1, counts.bytes + ready_bytes_of(key, events)
  end

  local function finish(key, session)
    cut(key, session, 1)
    counts.ended, n_open = counts.ended + 1, n_open - 1
    known[key], changed[key] = false, nil
    if session.stored then
      redis.call('HDEL', sessions, key)
    end
  end

  local function note_opened()
    local members = {}
    for _, key in ipairs(opened) do
      if known[key] then
        members[#members + 1] = ms(known[key].last)
        members[#members + 1] = key
      end
    end
    opened = {}
    for first = 1, #members, CHUNK do
      redis.call('ZADD', deadlines, 'NX', unpack(members, first, math.min(first + CHUNK - 1, #members)))
    end
  end

  -- The session that is silent longest. A deadline is only a lower bound, so look until the first one is exact.
  local function most_silent()
    while true do
      local key, bound = unpack(redis.call('ZRANGE', deadlines, 0, 0, 'WITHSCORES'))
      local session = session_of(key)
      if session and session.last <= tonumber(bound) then
        return key, session
      elseif session then
        redis.call('ZADD', deadlines, ms(session.last), key)
      else
        redis.call('ZREM', deadlines, key)
      end
    end
  end

  local function make_room(now)
    note_opened()
    while n_open >= rule.open_sessions do
      local key, session = most_silent()
      if session.last >= now - gap then
        counts.crowded_out = counts.crowded_out + 1
      end
      redis.call('ZREM', deadlines, key)
      finish(key, session)
    end
  end

  local function join(key, time, entry)
    local session = session_of(key)
    if session and time - session.last > gap then
      finish(key, session)
      session = nil
    end
    if not session then
      if n_open >= rule.open_sessions then
        make_room(time)
      end
      session = {count = 0, last = time, old = '', fresh = {}}
      known[key], n_open = session, n_open + 1
      opened[#opened + 1] = key
    end
    changed[key] = true
    local count, fresh = session.count + 1, session.fresh
    session.count, session.last = count, time
    fresh[#fresh + 1] = entry
    if count % hop == 0 then
      cut(key, session, 0)
    end
  end

  local function note_arrived()
    for first = 1, #arrived, CHUNK do
      redis.call('ZADD', waiting, unpack(arrived, first, math.min(first + CHUNK - 1, #arrived)))
    end
    arrived = {}
  end

  -- Let the events join whose effective time the watermark has reached, oldest first. Those that are left join before any
  -- that arrives later: none of these has an effective time before the watermark.
  local function release()
    note_arrived()
    while n_waiting > 0 do
      if joins_left == 0 or counts.bytes >= rule.bytes then
        is_more_due = redis.call('ZCOUNT', waiting, '-inf', ms(watermark)) > 0
        return
      end
      local most = math.min(joins_left, CHUNK)
      local due = redis.call('ZRANGEBYSCORE', waiting, '-inf', ms(watermark), 'WITHSCORES', 'LIMIT', 0, most)
      if #due == 0 then
        return
      end
      redis.call('ZREMRANGEBYRANK', waiting, 0, #due / 2 - 1)
      n_waiting, joins_left = n_waiting - #due / 2, joins_left - #due / 2
      for n = 1, #due, 2 do
        local member, time = due[n], tonumber(due[n + 1])
        local entry = string.sub(member, 9, 16) .. struct.pack('>I8', time) .. string.sub(member, 1, 8)
        join(string.sub(member, 17), time, entry)
      end
    end
  end

  -- More events wait than may: the oldest are due now, and what comes later and is older than they is late.
  local function hurry()
    note_arrived()
    local early = redis.call('ZCOUNT', waiting, '(' .. ms(watermark), '+inf')
    local waits = early
    while waits > rule.waiting_events do
      local oldest = redis.call('ZRANGEBYSCORE', waiting, '(' .. ms(watermark), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
      watermark = tonumber(oldest[2])
      waits = redis.call('ZCOUNT', waiting, '(' .. ms(watermark), '+inf')
    end
    counts.hurried = counts.hurried + early - waits
    release()
  end

  -- An event of the log; its entry begins at `at` in `entries`.
  local function arrive(key, entries, at)
    local stated = struct.unpack('>I8', entries, at + 8)
    local time = stated == 0 and stream_time or stated -- 0: it has no time of its own
    if time > stream_time then -- no math.max: a call of a function is what costs here
      stream_time = time
    end
    if stream_time - grace > watermark then
      watermark = stream_time - grace
    end
    if time < watermark then
      counts.late, time = counts.late + 1, watermark
    end
    local waits = grace > 0 or n_waiting > 0
    if not waits and time == stated then
      return join(key, time, string.sub(entries, at, at + 23))
    end
    local id, place = string.sub(entries, at, at + 7), string.sub(entries, at + 16, at + 23)
    if not waits then
      return join(key, time, id .. struct.pack('>I8', time) .. place)
    end
    arrived[#arrived + 1] = ms(time)
    arrived[#arrived + 1] = place .. id .. key
    n_waiting = n_waiting + 1
    if n_waiting > rule.waiting_events then
      hurry()
    end
  end

  -- As if the grace had passed for every event that waits.
  local function release_all()
    local newest = redis.call('ZRANGE', waiting, -1, -1, 'WITHSCORES')[2]
    watermark = math.max(watermark, tonumber(newest or 0))
    release()
  end

  local function end_sessions(keys)
    for _, key in ipairs(keys) do
      if counts.bytes >= rule.bytes then
        is_more_due = true
        return
      end
      local session = session_of(key)
      if session then
        finish(key, session)
      end
      redis.call('ZREM', deadlines, key)
    end
  end

  -- End sessions that no event can join any more: the watermark has left them behind, and so has all that still waits.
  local function end_expired()
    note_opened()
    local oldest = redis.call('ZRANGE', waiting, 0, 0, 'WITHSCORES')[2]
    local bound = math.min(watermark, tonumber(oldest or watermark)) - gap
    local expired = {}
    local due = redis.call('ZRANGEBYSCORE', deadlines, '-inf', '(' .. ms(bound), 'LIMIT', 0, rule.ends)
    is_more_due = is_more_due or #due == rule.ends
    for _, key in ipairs(due) do
      local session = session_of(key)
      if session and session.last >= bound then
        redis.call('ZADD', deadlines, ms(session.last), key)
      else
        expired[#expired + 1] = key
      end
    end
    end_sessions(expired)
  end

  -- End open sessions, unless events still wait to join them.
  local function end_open()
    note_opened()
    if n_waiting == 0 then
      end_sessions(redis.call('ZRANGE', deadlines, 0, rule.ends - 1))
    end
  end

  -- Write everything back; the last thing that a call does.
  local function save()
    local fields = {}
    for key in pairs(changed) do
      local session = known[key]
      fields[#fields + 1] = key
      fields[#fields + 1] = struct.pack('>I4I8', session.count, session.last) .. events_of(session)
    end
    for first = 1, #fields, CHUNK do
      redis.call('HSET', sessions, unpack(fields, first, math.min(first + CHUNK - 1, #fields)))
    end
    note_opened()
    redis.call('HSET', state, 'stream_time', ms(stream_time), 'watermark', ms(watermark), 'settings', rule.version)
    if counts.late > 0 then
      redis.call('HINCRBY', state, 'late', counts.late)
    end
    if counts.bytes > 0 then
      redis.call('INCRBY', ready_bytes, ms(counts.bytes))
    end
  end

  -- What a call did and how things stand, in the order of `Applied` in calls.py.
  local function summary()
    local bytes = tonumber(redis.call('GET', ready_bytes) or 0)
    return counts.windows, counts.late, counts.hurried, counts.ended, counts.crowded_out,
      n_open, n_waiting, redis.call('XLEN', ready), bytes, is_more_due and 1 or 0
  end

  return {
    load = load, arrive = arrive, release = release, release_all = release_all,
    end_expired = end_expired, end_open = end_open, save = save, summary = summary,
  }
end

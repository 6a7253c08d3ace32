-- Forget workers that hold no window of a ready stream: one that leaves, and those that were silent for long.
-- One that holds windows stays: with it, Redis would forget that they have to be given to another.
--
-- KEYS  1  ready: stream  2  ready bytes, unused   (see partition.lua)
-- ARGV  1  consumer group
--       2  name of the worker that leaves ('' for none)
--       3  for how long the others were silent at least, ms
-- Returns how many workers were forgotten. A repeat is harmless: one that comes back is known again.

local ready, group, leaving, silent_ms = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])

local workers = redis.pcall('XINFO', 'CONSUMERS', ready, group)
if workers.err then
  return 0  -- no stream or no group yet
end

local forgotten = 0
for _, worker in ipairs(workers) do
  local about = {}
  for n = 1, #worker, 2 do
    about[worker[n]] = worker[n + 1]
  end
  if about['pending'] == 0 and (about['name'] == leaving or about['idle'] >= silent_ms) then
    redis.call('XGROUP', 'DELCONSUMER', ready, group, about['name'])
    forgotten = forgotten + 1
  end
end
return forgotten

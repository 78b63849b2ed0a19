// rrule.js, as a program that knows it would use it: UTC only, `between`, and no cache, which would answer the second run.
//
// rrulejs.js recurrence CASES        "id count ns hash" for each case, one JSON object a line
// rrulejs.js merge CASES BUDGET_MS   "merge done count ns hash" for all of them, or as many as fit the budget
//
// In a merge the zones are left out: it has none of its own, and its times are wall clock times called UTC.
"use strict";

const { readFileSync } = require("node:fs");
const { dirname, join } = require("node:path");
const { RRule } = require("rrule");

const civil = (text) => {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)$/.exec(text).map(Number);
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second));
};

const read = (line) => {
  const { id, rule, start, zone, from, to } = JSON.parse(line);
  const options = RRule.parseString(rule);
  return {
    id,
    zone,
    rule: new RRule({ ...options, dtstart: civil(start) }, true),
    from: civil(from),
    // `between` with inc=true has both ends in it.
    to: new Date(civil(to).getTime() - 1000),
  };
};

const expand = (series) => series.rule.between(series.from, series.to, true).map((at) => Math.floor(at.getTime() / 1000));

const hash = (starts) => starts.reduce((sum, start) => (Math.imul(sum, 31) + (start % 2 ** 32)) >>> 0, 0);

const timed = (run) => {
  const began = process.hrtime.bigint();
  const result = run();
  return [Number(process.hrtime.bigint() - began), result];
};

const recurrence = (series) => {
  if (series.zone !== "UTC") {
    console.log(`${series.id} error no zones`);
    return;
  }
  let [best, found] = timed(() => expand(series));
  let [spent, runs] = [0, 0];
  while (best < 1e9 && (runs < 3 || spent < 1e8) && runs < 1000) {
    const [took] = timed(() => expand(series));
    [best, spent, runs] = [Math.min(best, took), spent + took, runs + 1];
  }
  console.log(`${series.id} ${found.length} ${best} ${hash(found)}`);
};

const merge = (every, budget) => {
  every.slice(0, 25).forEach(expand);
  let done = 0;
  const [took, found] = timed(() => {
    const began = Date.now();
    const found = [];
    for (; done < every.length && Date.now() - began < budget; done += 1) {
      for (const at of expand(every[done])) found.push([at, done]);
    }
    return found.sort((left, right) => left[0] - right[0] || left[1] - right[1]);
  });
  console.log(`merge ${done} ${found.length} ${took} 0`);
};

const [, , part, cases, budget] = process.argv;
if (part === "version") {
  const folder = dirname(require.resolve("rrule"));
  console.log(JSON.parse(readFileSync(join(folder, "..", "..", "package.json"), "utf8")).version);
} else {
  const every = readFileSync(cases, "utf8").trim().split("\n").map(read);
  if (part === "merge") merge(every, Number(budget));
  else every.forEach(recurrence);
}

// What coupled.wppl asks of plain JavaScript.
const n = 20, first = [], second = [], strength = [];
for (let i = 1; i <= n; ++i)
  for (let k = i + 1; k <= n; ++k) {
    first.push(i - 1);
    second.push(k - 1);
    strength.push(0.3 * Math.sin(7 * i + 13 * k));
  }

module.exports = {
  /** The log-weight of a state (20 booleans). */
  weight: function (x) {
    let sum = 0;
    for (let e = 0; e < strength.length; ++e) if (x[first[e]] && x[second[e]]) sum += strength[e];
    return sum;
  },
  /** CPU time of this process, seconds. */
  cpu: function () {
    const used = process.cpuUsage();
    return (used.user + used.system) / 1e6;
  },
};

/** RFC 3339 in UTC. `nanoseconds` undefined: whole seconds. Valid from 1970 on. */
export function formatTime(seconds: number, nanoseconds?: number): string {
  const days = Math.floor(seconds / 86400);
  const rest = seconds - days * 86400;
  const [year, month, day] = civilDate(days);
  const clock = `${two(Math.floor(rest / 3600))}:${two(Math.floor(rest / 60) % 60)}:${two(rest % 60)}`;
  const fraction = nanoseconds === undefined ? '' : `.${String(nanoseconds).padStart(9, '0')}`;
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}T${clock}${fraction}Z`;
}

/**
 * Day count since 1970-01-01 to [year, month, day]. The year is assumed to start on 1 March, so that the leap day is
 * its last one and a month's first day is a linear function of the month.
 */
function civilDate(days: number): [number, number, number] {
  const shifted = days + 719468; // days since 0000-03-01
  const era = Math.floor(shifted / 146097); // 400 years
  const dayOfEra = shifted - era * 146097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  return [yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day];
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

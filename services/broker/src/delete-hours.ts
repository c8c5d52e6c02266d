// The text of Apache's setting deleteWhen: hours of the day, parted with semicolons.

/** Hours of the day in `deleteWhen`; undefined for a text that is none. Java: UtilAll.isItTimeToDo. */
export function deleteHoursOf(deleteWhen: string): number[] | undefined {
  const hours = deleteWhen.split(';').map((hour) => (/^\s*\d{1,2}\s*$/.test(hour) ? Number(hour) : 24))
  return hours.every((hour) => hour < 24) ? hours : undefined
}

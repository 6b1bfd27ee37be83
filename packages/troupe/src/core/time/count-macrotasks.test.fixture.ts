/** Counts the macrotasks that begin while work is done: whether timers and sockets of a process get their turn. */
export async function countMacrotasks<T>(
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly macrotasks: number }> {
  let macrotasks = 0
  let isOver = false
  const count = () => {
    macrotasks++
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  const result = await work()
  isOver = true
  return { result, macrotasks }
}

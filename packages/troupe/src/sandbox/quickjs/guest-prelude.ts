/**
 * The globals of code in QuickJS besides the language: `console`, `files` and `exit`. It is compiled inside the sandbox, so
 * that every object which the code can reach belongs to the sandbox. It calls only functions of the host that take and
 * return texts.
 */
export const guestPrelude = `(host => {
  const { read, write, remove, list, print, exit } = host
  const { stringify } = JSON
  const { freeze, defineProperty } = Object
  const show = value => {
    if (typeof value === 'string') return value
    if (value instanceof Error) return value.name + ': ' + value.message + (value.stack ? '\\n' + value.stack : '')
    try { return stringify(value) ?? String(value) } catch { return String(value) }
  }
  const line = stream => (...values) => print(stream, values.map(show).join(' ') + '\\n')
  const [out, err] = [line('out'), line('err')]
  const given = { console: freeze({ log: out, info: out, debug: out, warn: err, error: err }),
    files: freeze({
      read: path => read(String(path)),
      write: (path, text) => { write(String(path), typeof text === 'string' ? text : stringify(text, null, 2)) },
      remove: path => remove(String(path)),
      list: () => JSON.parse(list()),
    }),
    exit: (code = 0) => exit(Number(code) | 0) }
  for (const name in given) defineProperty(globalThis, name, { value: given[name], writable: false, configurable: false })
})`

/** Executes the programs that are named as arguments, one after the other, each in its folder, between two marks. */
import { writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { chdir, exit } from 'node:process'
import { pathToFileURL } from 'node:url'

const mark = (text) => {
  for (const stream of [1, 2]) writeSync(stream, `${text}\n`)
}

for (const path of process.argv.slice(2)) {
  chdir(dirname(path))
  mark(`@@begin ${path}`)
  const failed = await import(pathToFileURL(path).href).then(
    () => false,
    (error) => {
      console.error(error)
      return true
    },
  )
  mark(`@@${failed ? 'failed' : 'ended'} ${path}`)
}
exit(0)

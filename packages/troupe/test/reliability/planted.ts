/**
 * Plants every defect in a copy of the library and tells which trial found it, and whether a clean copy passes them all.
 *
 * node packages/troupe/test/reliability/planted.ts [PART OF A NAME]
 */
import { bugs } from '../planted-bugs/bugs.ts'
import { detect, seedsOf } from '../planted-bugs/detect.ts'
import { plant } from '../planted-bugs/plant.ts'

const wanted = process.argv[2] ?? ''
let missed = 0
const check = (ok: boolean, text: string) => {
  if (!ok) missed++
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${text}`)
}

if (wanted === '')
  for (const scenario of [...(Object.keys(seedsOf) as (keyof typeof seedsOf)[]), 'power-loss' as const]) {
    const clean = plant([])
    const { found, tried } = await detect(clean.folder, scenario)
    clean.remove()
    check(found.length === 0, `clean: ${scenario}, ${tried} tried${found.length > 0 ? `: ${found[0]}` : ''}`)
  }
for (const { name, edits, foundBy } of bugs.filter((bug) => bug.name.includes(wanted)))
  try {
    const { folder, remove } = plant(edits)
    const { found, tried, skipped } = await detect(folder, foundBy)
    remove()
    if (skipped) console.log(`skipped ${name}: ${skipped}`)
    else
      check(
        found.length > 0,
        `${name}: ${foundBy}, ${tried} tried: ${found[0]?.split('\n')[0]?.slice(0, 150) ?? 'not found'}`,
      )
  } catch (error) {
    check(false, `${name}: ${(error as Error).message}`)
  }
console.log(missed === 0 ? 'all is as it should be' : `${missed} are not as they should be`)
if (missed > 0) process.exitCode = 1

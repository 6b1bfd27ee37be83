import { Fragment } from 'react'
import { visible } from '../visible.ts'

/** A name that continues on the next line behind a dot or an underscore, before a word of it is broken. */
export function Breakable({ name }: { readonly name: string }) {
  return visible(name)
    .split(/(?<=[._])/)
    .map((part, i) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a name never change their order
      <Fragment key={i}>
        {i > 0 && <wbr />}
        {part}
      </Fragment>
    ))
}

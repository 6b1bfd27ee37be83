/** From page to page of a list, forth and back. */
import { Button, Flex } from './ui.tsx'

interface PagerProps {
  /** Of the pages behind us. */
  readonly cursors: readonly string[]
  readonly next: string | undefined
  readonly go: (cursors: readonly string[]) => void
  readonly back: string
  readonly on: string
}

export function Pager({ cursors, next, go, back, on }: PagerProps) {
  // All there is stands on one page.
  if (cursors.length === 0 && next === undefined) return null
  return (
    <Flex gap="2" mt="3">
      <Button look="soft" disabled={cursors.length === 0} onClick={() => go(cursors.slice(0, -1))}>
        {back}
      </Button>
      <Button look="soft" disabled={next === undefined} onClick={() => next && go([...cursors, next])}>
        {on}
      </Button>
    </Flex>
  )
}

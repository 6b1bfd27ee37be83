/** An editor of JSON. It loads when something is edited for the first time. */
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { json } from '@codemirror/lang-json'
import { bracketMatching, defaultHighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language'
import { EditorState } from '@codemirror/state'
import { drawSelection, EditorView, keymap, lineNumbers } from '@codemirror/view'
import { useEffect, useRef } from 'react'
import { useAppearance } from '../appearance.tsx'
import './json-editor.css'

interface JsonEditorProps {
  readonly label: string
  /** What stands in it at first. */
  readonly text: string
  readonly onChange: (text: string) => void
  /** False for an editor that is not what the person asked for last. */
  readonly takesFocus?: boolean
}

const theme = EditorView.theme({
  '&': { backgroundColor: 'var(--panel)', color: 'var(--ink)', fontSize: '0.8125rem' },
  '.cm-scroller': { fontFamily: 'var(--mono)', maxHeight: '24rem' },
  '.cm-gutters': { backgroundColor: 'var(--sunken)', color: 'var(--ink-3)', border: 'none' },
  '.cm-cursor': { borderInlineStartColor: 'var(--ink)' },
})

export default function JsonEditor({ label, text, onChange, takesFocus = true }: JsonEditorProps) {
  const box = useRef<HTMLDivElement>(null)
  const latest = useRef(onChange)
  latest.current = onChange
  const appearance = useAppearance()
  const written = useRef(text)
  useEffect(() => {
    if (!box.current) return
    const view = new EditorView({
      parent: box.current,
      state: EditorState.create({
        doc: written.current,
        extensions: [
          lineNumbers(),
          history(),
          drawSelection(),
          indentOnInput(),
          bracketMatching(),
          json(),
          // The colours of the default style are made for light grounds.
          appearance === 'light' ? syntaxHighlighting(defaultHighlightStyle) : [],
          // Tab leaves the editor, as it leaves any field.
          keymap.of([...defaultKeymap, ...historyKeymap]),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ 'aria-label': label }),
          EditorView.updateListener.of((update) => {
            if (!update.docChanged) return
            written.current = update.state.doc.toString()
            latest.current(written.current)
          }),
          theme,
        ],
      }),
    })
    if (takesFocus) view.focus()
    return () => view.destroy()
  }, [label, appearance, takesFocus])
  return <div className="editor" ref={box} />
}

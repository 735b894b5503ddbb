import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';

const ink: MantineColorsTuple = [
  '#eef3fa', '#dbe5f2', '#b6cae4', '#8fadd5', '#6d94c8', '#5683bf', '#456fa9', '#2b4c7e', '#233f6a', '#1a3052',
];
const ember: MantineColorsTuple = [
  '#fff1ea', '#ffe0d1', '#fbbfa4', '#f59b73', '#ee7c4b', '#e56a33', '#b84a12', '#a8400f', '#8d350c', '#6f2908',
];
const leaf: MantineColorsTuple = [
  '#ecf8f1', '#d6efe1', '#abdec3', '#7dcca2', '#56bc85', '#3db272', '#2f9a60', '#17693d', '#125632', '#0c4226',
];

/** Mantine's own dark is brownish; ours is of the same blue as the rest. */
const dark: MantineColorsTuple = [
  '#dde2ea', '#b9c1cd', '#9aa4b2', '#7a8594', '#3a424e', '#2e343d', '#232932', '#191d24', '#14171c', '#0f1216',
];

/** The look of Hoist: the system's own letters, few colours, and each of them means something. */
export const theme = createTheme({
  primaryColor: 'ink',
  primaryShade: { light: 7, dark: 6 },
  autoContrast: true,
  luminanceThreshold: 0.32,
  colors: { ink, ember, leaf, dark },
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Code", "DejaVu Sans Mono", monospace',
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    // What opens stands where it belongs, not behind the page: a menu is within the banner that has its button.
    Menu: { defaultProps: { withinPortal: false, withInitialFocusPlaceholder: false } },
    Popover: { defaultProps: { withinPortal: false } },
    Combobox: { defaultProps: { withinPortal: false } },
    // Mantine's own box around the options moves, too, and no key reaches it.
    Select: { defaultProps: { withScrollArea: false } },
    MultiSelect: { defaultProps: { withScrollArea: false } },
  },
  headings: {
    fontWeight: '650',
    sizes: { h1: { fontSize: '1.5rem', lineHeight: '1.25' }, h2: { fontSize: '1.125rem', lineHeight: '1.35' } },
  },
});

/** Colours that both themes name by what they mean. */
export const colourVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-body': '#fafaf8',
    '--mantine-color-dimmed': '#5a6270',
    '--mantine-color-placeholder': '#666e7a',
    '--mantine-color-error': '#b3261e',
    '--hoist-card': '#ffffff',
    '--hoist-line': '#e3e4e0',
    '--hoist-hover': '#f1f2ee',
    '--hoist-chosen': '#e9eff7',
    '--hoist-on': '#17693d',
    '--hoist-on-soft': '#d9efe2',
    '--hoist-part': '#2b4c7e',
    '--hoist-part-soft': '#dbe5f2',
    '--hoist-off': '#5a6270',
    '--hoist-off-soft': '#e9eae6',
    '--hoist-production': '#a8400f',
    '--hoist-production-soft': '#ffe8dc',
    '--hoist-staging': '#6b4fa0',
    '--hoist-development': '#0b6e7d',
    '--hoist-danger': '#b3261e',
  },
  dark: {
    '--mantine-color-body': '#14171c',
    '--mantine-color-dimmed': '#a3abb8',
    '--mantine-color-placeholder': '#8f98a6',
    '--mantine-color-error': '#ff9d94',
    '--hoist-card': '#1b1f26',
    '--hoist-line': '#2e343d',
    '--hoist-hover': '#22272f',
    '--hoist-chosen': '#223047',
    '--hoist-on': '#7ed7a6',
    '--hoist-on-soft': '#1b3a2a',
    '--hoist-part': '#9dbbe3',
    '--hoist-part-soft': '#22324a',
    '--hoist-off': '#a3abb8',
    '--hoist-off-soft': '#2a2f37',
    '--hoist-production': '#ffb088',
    '--hoist-production-soft': '#43291c',
    '--hoist-staging': '#bda6ec',
    '--hoist-development': '#6fc7d4',
    '--hoist-danger': '#ff9d94',
  },
});

import type { ReactNode } from 'react';

/** The few pictures the page uses, drawn by one pen. None says anything that the words beside it do not. */
function icon(content: ReactNode) {
  return function Icon({ size = 18 }: { size?: number }) {
    return (
      <svg
        width={size}
        height={size}
        viewBox="0 0 24 24"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.75"
        strokeLinecap="round"
        strokeLinejoin="round"
        aria-hidden
      >
        {content}
      </svg>
    );
  };
}

export const IconFlag = icon(<path d="M6 21V4h12l-2.5 4.5L18 13H6" />);
export const IconSegment = icon(<><circle cx="9" cy="9" r="5" /><circle cx="15" cy="15" r="5" /></>);
export const IconKey = icon(<><circle cx="8" cy="15" r="4" /><path d="m11 12 8-8m-3 3 3 3" /></>);
export const IconInstance = icon(<><rect x="4" y="4" width="16" height="7" rx="2" /><rect x="4" y="13" width="16" height="7" rx="2" /><path d="M8 7.5h.01M8 16.5h.01" /></>);
export const IconCompare = icon(<path d="M8 5v14m0 0-3-3m3 3 3-3m5 3V5m0 0-3 3m3-3 3 3" />);
export const IconAudit = icon(<><path d="M6 3h9l4 4v14H6z" /><path d="M10 12h5m-5 4h5" /></>);
export const IconStale = icon(<><circle cx="12" cy="12" r="8.5" /><path d="M12 7.5V12l3 2" /></>);
export const IconSearch = icon(<><circle cx="11" cy="11" r="6.5" /><path d="m16 16 4.5 4.5" /></>);
export const IconPlus = icon(<path d="M12 5v14M5 12h14" />);
export const IconCheck = icon(<path d="m5 12.5 4.5 4.5L19 7.5" />);
export const IconCopy = icon(<><rect x="9" y="9" width="11" height="11" rx="2" /><path d="M5 15V6a2 2 0 0 1 2-2h8" /></>);
export const IconClose = icon(<path d="m6 6 12 12M18 6 6 18" />);
export const IconSun = icon(<><circle cx="12" cy="12" r="4" /><path d="M12 3v2m0 14v2M3 12h2m14 0h2M5.6 5.6 7 7m10 10 1.4 1.4M18.4 5.6 17 7M7 17l-1.4 1.4" /></>);
export const IconMoon = icon(<path d="M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z" />);
export const IconAuto = icon(<><circle cx="12" cy="12" r="8.5" /><path d="M12 3.5v17a8.5 8.5 0 0 0 0-17z" fill="currentColor" /></>);
export const IconPerson = icon(<><circle cx="12" cy="8" r="4" /><path d="M4.5 20a7.5 7.5 0 0 1 15 0" /></>);
export const IconDown = icon(<path d="m7 10 5 5 5-5" />);
export const IconHelp = icon(<><circle cx="12" cy="12" r="8.5" /><path d="M9.7 9.5a2.4 2.4 0 1 1 3.3 2.3c-.7.3-1 .8-1 1.7M12 16.5h.01" /></>);

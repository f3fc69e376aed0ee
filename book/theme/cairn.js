// mdBook names its dark themes; with one of each there is nothing to name.
(() => {
    const dark = document.getElementById('mdbook-theme-navy');
    if (dark) {
        dark.textContent = 'Dark';
    }
})();

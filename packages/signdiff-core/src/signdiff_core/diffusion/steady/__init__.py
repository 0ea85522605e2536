"""What keeps a long video steady: noise, an anchor that frames attend to, and chunks that blend into each other."""
